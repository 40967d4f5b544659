"""The phrases the accuracy benchmark speaks.

`UNSEEN` were known while the engine's examples were written, `FRESH` came after the last of them; neither
stands in any (a test holds that), like those of the reference set `phrases.tsv`, read from its own place.
`OUT_OF_SCOPE` is what a loan assistant must not pretend to understand. Seen phrases are the portal's own.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

UNSEEN: Final[dict[str, tuple[str, ...]]] = {
    "balance": (
        "how much of the credit have i not paid back yet",
        "tell me the amount that is still open",
        "what do i owe right now",
        "how big is my remaining debt",
        "what is the amount i have left to pay off",
        "could you check how much i owe the bank",
        "is there a lot of debt left on my account",
    ),
    "next_payment": (
        "when is the next installment due",
        "how much will you take from me next month",
        "what is the date of my upcoming payment",
        "when will the next rate be debited",
        "when will money be taken from my account again",
        "what do i owe for next month",
        "on what day is my next installment due",
    ),
    "last_payment": (
        "have you received my last payment",
        "when did i pay the last time",
        "did my payment from yesterday come through",
        "was my most recent installment booked",
        "did you already get the money from last month",
        "has my bank transfer reached you yet",
        "please check my last payment",
    ),
    "contract_status": (
        "what is the state of my contract",
        "did the bank say yes to my application",
        "how far along is my application",
        "is my contract still active",
        "is there any progress on my application",
        "what happened to my loan application",
        "can you tell me if my loan was accepted",
    ),
    "payoff": (
        "i want to pay everything back at once",
        "how much would i have to pay to close the loan today",
        "can i pay off my loan before the end",
        "what is the early repayment amount",
        "i would like to get rid of my loan today",
        "how expensive is it to pay the loan back early",
        "what is the total if i pay off everything right now",
    ),
    "interest_rate": (
        "what do you charge me in interest",
        "how high are the interest charges on my loan",
        "which rate of interest do i have",
        "tell me the percentage i pay in interest",
        "how much percent interest is on my loan",
        "remind me of my interest rate",
        "what interest was agreed for my loan",
    ),
    "contract_end": (
        "when is my loan finished",
        "in which year will i have paid everything",
        "when does my contract run out",
        "what is the date of the final installment",
        "how many payments do i still have to make",
        "when have i paid off my loan completely",
        "what is the last month of my contract",
    ),
    "missing_documents": (
        "which documents are still missing",
        "is there any paperwork you are waiting for",
        "do i have to hand in anything else",
        "what papers do you still need",
        "have i sent you all the documents",
        "which papers am i still missing",
        "what documents should i still bring",
    ),
    "upload_document": (
        "which way can i get my papers to you",
        "how do i send you my salary statement",
        "i would like to submit a file",
        "where do i put my bank statement",
        "how can i hand in my bank statement",
        "i want to send my documents to you",
        "is there a place to upload my salary slip",
    ),
    "explain_term": (
        "what is the meaning of balloon payment",
        "please explain the term annual percentage rate",
        "i do not understand what principal means",
        "can you tell me what a grace period is",
        "what do you mean by direct debit",
        "can you explain what principal is",
        "what is an early settlement fee exactly",
    ),
    "change_address": (
        "i need to update my address",
        "you need to know where i live now",
        "we moved to another city last week",
        "how can i give you my new address",
        "i am living at another address now",
        "please put my new address in your files",
        "we have just moved house",
    ),
    "change_bank": (
        "please take the money from a different account",
        "i would like to change my bank details",
        "i switched to another bank",
        "can you update my account number",
        "my bank account is a different one now",
        "i want you to debit my other account",
        "where can i enter my new bank details",
    ),
    "change_due_date": (
        "can we move the payment to another day",
        "i want to pay later in the month",
        "please change the day of my monthly payment",
        "is it possible to shift the due date",
        "i would like to pay on the last day of the month",
        "can you collect my payment later",
        "please shift my due date by a week",
    ),
    "human": (
        "i want to speak with an employee",
        "can you connect me to an agent",
        "is there a real human i can talk to",
        "please put me through to customer service",
        "i would rather talk to a real person",
        "can i get someone on the phone",
        "let me talk to one of your employees",
    ),
    "repeat": (
        "would you say the last sentence again",
        "sorry i was not listening",
        "that was too quiet say it again please",
        "i would like to hear that once more",
        "can you say that once more please",
        "sorry i did not understand that",
        "what was it you said",
    ),
    "help": (
        "tell me what you are able to do",
        "which questions can i ask you",
        "what can i use you for",
        "what kind of things can you tell me",
        "what can i do with you",
        "can you give me some help",
        "what sort of questions can you answer for me",
    ),
    "goodbye": (
        "okay bye then",
        "thanks i am done",
        "that was everything bye",
        "i have everything i needed good bye",
        "thank you that would be all",
        "bye have a nice evening",
        "i think we are done thanks",
    ),
}

FRESH: Final[dict[str, tuple[str, ...]]] = {
    "balance": (
        "what am i still owing on the loan",
        "tell me how much of the debt remains",
    ),
    "next_payment": (
        "how much are you going to charge me next",
        "when do i make the next payment",
    ),
    "last_payment": (
        "did you see the money i paid on monday",
        "has the most recent installment come in",
    ),
    "contract_status": (
        "have you made a decision about my loan",
        "what is the current state of my application",
    ),
    "payoff": (
        "how much to pay off the whole thing right away",
        "i am thinking about repaying my loan ahead of schedule",
    ),
    "interest_rate": (
        "what rate of interest am i paying",
        "how high is the rate on my loan",
    ),
    "contract_end": (
        "when am i finally done with paying",
        "how many more installments are there to pay",
    ),
    "missing_documents": (
        "is any of my paperwork missing",
        "what do you still need for my application",
    ),
    "upload_document": (
        "where do i have to upload my pay slip",
        "how can i submit the missing document",
    ),
    "explain_term": (
        "what does fixed rate actually mean",
        "explain to me what a mandate is",
    ),
    "change_address": (
        "my new home is in another street",
        "can i tell you my new address",
    ),
    "change_bank": (
        "i want to use my other bank account",
        "can you take the payment from another bank",
    ),
    "change_due_date": (
        "i want to move my payment to the tenth",
        "is it okay if i pay a few days later",
    ),
    "human": (
        "i need to speak to a real employee",
        "can you get me a human please",
    ),
    "repeat": (
        "please tell me that again",
        "could you repeat what you said",
    ),
    "help": (
        "what can you actually do for me",
        "tell me what i can ask you about",
    ),
    "goodbye": (
        "okay that was all bye bye",
        "thank you i do not need more",
    ),
}
"""Written after the last change of an example, a weight or a threshold, and never tuned against."""

OUT_OF_SCOPE: Final[tuple[str, ...]] = (
    "will it rain this afternoon",
    "play some jazz music",
    "who won the football match last night",
    "how tall is the eiffel tower",
    "set a timer for ten minutes",
    "what is the capital of australia",
    "tell me a joke about cats",
    "order a large pizza with mushrooms",
    "turn on the lights in the kitchen",
    "how do i cook rice",
    "find me a flight to madrid",
    "what time is it in tokyo",
    "my dog does not want to eat",
    "translate good morning into french",
    "who is the president of brazil",
    "remind me to call my mother",
    "what is the best film of the year",
    "how many people live in china",
    "i need a recipe for chocolate cake",
    "is the museum open on sunday",
    "where is the nearest petrol station",
    "sing a song for me",
    "what should i wear today",
    "read me the news",
    "how far is the moon",
    "when does the train to london leave",
    "can you recommend a good book",
    "my computer is very slow",
    "buy two tickets for the concert",
    "how old is the queen",
    "what is seven times eight",
    "switch the television off",
    "i feel tired and sad",
    "which team plays tonight",
    "how do i fix a flat tyre",
    "tell me about the roman empire",
    "should i invest in bitcoin",
    "what is the price of gold",
    "reserve a hotel room in paris",
    "call a taxi to the airport",
    "why is the sky blue",
    "how do you spell rhythm",
    "water the plants in the garden",
    "what is your favourite colour",
    "do you believe in ghosts",
    "start the washing machine",
    "the children are playing outside",
    "how much does an elephant weigh",
    "write a poem about the sea",
    "what did shakespeare write",
    "is there a doctor near here",
    "my car makes a strange noise",
    "how do i learn to swim",
    "open the window please",
    "what happened in the year nineteen eighty nine",
    "give me the phone number of my sister",
    "which stocks should i buy",
    "add milk and eggs to my shopping list",
    "how long does it take to boil an egg",
    "transfer fifty euros to my brother",
    "what is the speed of light",
    "he walked slowly across the bridge",
    "show me pictures of mountains",
    "who invented the telephone",
)
"""Everyday talk, a few of them near to money on purpose."""


def reference_folder() -> Path | None:
    """The folder of reference recordings and phrases beside the project, or None."""
    root = Path(__file__).resolve().parents[2]
    folder = Path(os.environ.get("HOLDFAST_REFERENCE", root.parent / "shared")) / "speech"
    return folder if (folder / "phrases.tsv").is_file() else None


def reference_phrases() -> list[tuple[str, str]]:
    """Intent and phrase of the reference set; the intent is empty for what is out of scope."""
    folder = reference_folder()
    if folder is None:
        return []
    rows = [
        line.split("\t") for line in (folder / "phrases.tsv").read_text(encoding="utf-8").splitlines()[1:]
    ]
    return [("" if intent == "none" else intent, phrase) for intent, phrase in rows]
