"""Sentences with other words and forms, written after the redaction was built, and after which it was mended.

What lives here: the second set. When it was first measured, the redaction found 66 of 66 cards, 13 of 23
IBANs (a country's own check digits were asked for), 24 of 24 telephones with 4 wrong marks, 7 of 12 mail
addresses.
What never will: a sentence that was changed because it went wrong.
"""

from __future__ import annotations

import random
from typing import Final

from benchmarks.redaction.cases import Case
from benchmarks.redaction.numbers import ENGLISH, GERMAN, card, grouped, iban, in_pairs, said

_CARDS: Final = (
    "Okay so the long number on the front reads {{card:{}}}",
    "yeah it's, uh, {{card:{}}} and the name on it is mine",
    "Take my Visa, {{card:{}}}, please.",
    "You already have {{card:{}}} on file, don't you?",
    "Bitte buchen Sie von {{card:{}}} ab.",
    "die Nummer auf der Vorderseite lautet {{card:{}}} und der Name ist Weber",
    "I read it out again: {{card:{}}}. Did you get that?",
    "Karte: {{card:{}}}",
)
_ACCOUNTS: Final = (
    "so the account is {{iban:{}}} at the savings bank",
    "Could you refund that to {{iban:{}}}?",
    "Buchen Sie bitte von {{iban:{}}} ab.",
    "I moved my current account, the new one is {{iban:{}}}, same bank.",
    "Konto {{iban:{}}} läuft auf meine Frau.",
)
_CALLS: Final = (
    "please ring me back on {{phone:{}}} after lunch",
    "my mobile's {{phone:{}}}",
    "Rufen Sie mich bitte unter {{phone:{}}} zurück.",
    "The best number is {{phone:{}}}, my husband may pick up.",
    "Sure: {{phone:{}}}",
    "Telefon {{phone:{}}}, am besten vormittags",
)
_LETTERS: Final = (
    "you can write to {{mail:{}}} any time",
    "it is {{mail:{}}}",
    "Schicken Sie die Unterlagen an {{mail:{}}}, bitte.",
    "the confirmation went to {{mail:{}}} I think",
)
_WRITTEN_PHONES: Final = (
    "+49 (0)89 123456-12",
    "0151-23456789",
    "(0)30 / 23 12 50 00",
    "001 212 555 0143",
    "+44 (0)20 7946 0018",
    "07911 123456",
    "415.555.0199",
    "1-800-555-0142",
    "+41 44 668 18 00",
    "0043 1 5880 0",
    "(415)5550123",
    "0800 330 1000",
)
_SAID_PHONES: Final = (
    ("015123456789", "de"),
    ("08912345678", "de"),
    ("7185550164", "en"),
    ("07911123456", "en"),
    ("03023125000", "de"),
    ("3125550178", "en"),
)
_MAILS: Final = (
    "Irina_Petrova84@Example.COM",
    "jonas.weber@sub.mail.example.de",
    "o'brien@example.ie",
    "info+loan-2044@example.io",
    "jonas weber at example dot com",
    "jonas punkt weber at t-online punkt de",
    "w e b e r at gmx punkt net",
    "greta dot lindholm at uni minus hamburg dot de",
    "hugo underscore martin underscore two at hotmail dot com",
    "greta@ example.com",
    "ben fischer eighty-five at gmail dot com",
    "k dot lindholm at proton dot me",
)
_NOTHING: Final = """\
My loan is number HF-21334, please look it up.
I owe 4,711.08 euros and I have paid 19 of 48 instalments.
Die Restschuld beträgt 14.826,33 Euro zum 1. Dezember 2026.
I'll pay three hundred, and then another three hundred in January.
From the first of October to the thirtieth of November it was four percent.
Between 2026-10-01 and 2026-11-30, account balance went from 200.00 to 1,950.50.
Customer 10042217 asked for the same thing.
The claim number is 55 1029 3847 56.
Unsere Rechnung 20261122-0042 ist noch offen.
Vorgangsnummer 0171234567 bitte immer angeben.
Ihre Bestellung 30311870012 ist unterwegs.
Reference code 2125550187-B, as printed on the letter.
My policy number is 4539 1488 0343 6460.
EAN 4006381333931, twelve pieces.
Das Kennzeichen ist HH AB 1234.
We talked on the 22nd at 10:30, at 11:45 and at a quarter to one.
It takes two to three weeks, four at most.
I was number seventeen in the queue for twenty-five minutes.
Zweihundertfünfzig Euro im Monat über sechzig Monate.
Um acht, spätestens um neun oder zehn.
five four three two one go
one hundred, two hundred, three hundred, four hundred
Ten times ten is a hundred, a hundred times ten is a thousand.
My grandmother is ninety-one, my grandfather would be ninety-four.
I live at 221 Baker Street, flat 4, London NW1 6XE.
Musterweg 12a, 22765 Hamburg, dritter Stock.
ZIP code 94105-1804.
The apartment has 3 rooms, 78.5 square metres and costs 1,240 a month.
Schicken Sie es an die Adresse, die Sie haben.
What's your e-mail address?
At example dot com there is a form for that.
The shop at the corner dot something closed.
My boss is at lunch, try at two.
I found it at holdfast dot example, under help.
It says so at www.example.com, I was there.
The card's last four digits are 9012.
My debit card ends in 33 21.
Can I pay by card, and do I need the code on the back?
The card was issued in 2023 and expires 09/27.
Kann ich mit Karte zahlen?
What would an IBAN from Germany look like?
Is the BIC DEUTDEFF or COBADEFF?
GB, DE and FR are all in the list.
The interest was 0.0489 per year, so 0.004075 a month.
Monday 2, Tuesday 4, Wednesday 8, Thursday 16, Friday 32.
2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31
It weighs 1250 grams, or 2 pounds 12.
The chapter runs from page 1204 to page 1388.
Ticket INC0048213 was closed on 12.11.2026.
Error 0x80070057 came up, then 404.
Latitude 53.5511, longitude 9.9937.
The meeting ID is 4432.
Please hold for 30 seconds, then press 1 or 2.
I need it by 5 pm, 6 pm at the latest.
In 1815 and 1848 and 1871 and 1918 things changed.
1984 2001 2010
The rate was four point eight nine percent.
He scored thirty, forty, then game.
Drei von vier Kunden sind zufrieden, das sind fünfundsiebzig Prozent.
Meine Tochter ist zwölf, mein Sohn neun.
Der Vertrag läuft vom 01.02.2024 bis 31.01.2029.
Ich habe am 3., 13. und 23. überwiesen.
My tax id is 12 345 678 901.
Der Betrag 1234567,89 wurde abgebucht.
ISBN 9780306406157 is the book.
The model is RTX 4090, the other one an i7 12700.
A quarter of 400 is 100, half is 200.
""".splitlines()


def later() -> list[Case]:
    """The second set; the same each time."""
    chance = random.Random(4242)  # noqa: S311 - nothing here is a secret
    marked = list(_NOTHING)
    for at, one in enumerate(_card_forms(chance)):
        marked.append(_CARDS[at % len(_CARDS)].format(one))
    for at, one in enumerate(_account_forms(chance)):
        marked.append(_ACCOUNTS[at % len(_ACCOUNTS)].format(one))
    calls = list(_WRITTEN_PHONES)
    for number, language in _SAID_PHONES:
        words = GERMAN if language == "de" else ENGLISH
        calls += [
            said(number, words),
            f"{said(number[:4], words)}, {in_pairs(number[4:], german=language == 'de')}",
        ]
    marked += [_CALLS[at % len(_CALLS)].format(one) for at, one in enumerate(calls)]
    marked += [_LETTERS[at % len(_LETTERS)].format(one) for at, one in enumerate(_MAILS)]
    return [Case.of(one) for one in marked]


def _card_forms(chance: random.Random) -> list[str]:
    forms = []
    for prefix, length in (("4", 16), ("53", 16), ("34", 15), ("2720", 16), ("6759", 16), ("36", 14)):
        number = card(prefix, length, chance)
        forms += [
            grouped(number, (4,), "  "),
            grouped(number, (4,), "."),
            grouped(number, (2,)),
            grouped(number, (1,)),
            said(number, every=2),
            said(number, every=4, breath=". "),
            said(number, every=4, breath=", then "),
            said(number, GERMAN, every=4, breath=", dann "),
            f"{number[:8]} and then {number[8:]}",
            f"{in_pairs(number[:4])}, {said(number[4:8])}, {number[8:12]}, {in_pairs(number[12:])}",
            "-".join(ENGLISH[int(digit)] for digit in number),
        ]
    return forms


def _account_forms(chance: random.Random) -> list[str]:
    forms = []
    for country in ("NL", "FR", "BE", "ES", "DE"):
        number = iban(country, chance)
        forms += [
            grouped(number, (4,)),
            grouped(number, (4,)).lower(),
            grouped(number, (4,), "."),
        ]
        if country != "NL":
            forms += [
                " ".join(number[:2]) + " " + said(number[2:], every=2),
                f"{number[0]}. {number[1]}. " + said(number[2:], GERMAN, every=4, breath=". "),
            ]
    return forms
