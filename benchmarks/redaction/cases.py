"""What the redaction was built with: sentences in which something is marked, and many in which nothing is.

What lives here: the known set. `{card:...}` marks what must be taken out. What never will: the set that the
redaction was only ever measured with (`unseen`).
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from benchmarks.redaction.numbers import ENGLISH, GERMAN, card, grouped, iban, in_pairs, said

_MARKED: Final = re.compile(r"\{(card|iban|phone|mail):([^}]*)\}")


@dataclass(frozen=True, slots=True)
class Case:
    """A text, and what stands where in it: kind, first character, the one after the last."""

    text: str
    truth: tuple[tuple[str, int, int], ...]

    @classmethod
    def of(cls, marked: str) -> Case:
        """From a text with marks."""
        text, truth, at = "", [], 0
        for found in _MARKED.finditer(marked):
            text += marked[at : found.start()]
            truth.append((found[1], len(text), len(text) + len(found[2])))
            text += found[2]
            at = found.end()
        return cls(text + marked[at:], tuple(truth))


CARD_SENTENCES: Final = (
    "My card number is {{card:{}}}.",
    "Sure, it's {{card:{}}}, and it expires in March.",
    "Could you charge {{card:{}}} please?",
    "{{card:{}}}",
    "Meine Kreditkartennummer ist {{card:{}}}.",
    "Ja, also {{card:{}}}, gültig bis Mai.",
    "I paid with {{card:{}}} yesterday, not with the other one.",
)
IBAN_SENTENCES: Final = (
    "My IBAN is {{iban:{}}}.",
    "Please transfer it to {{iban:{}}} by Friday.",
    "{{iban:{}}}",
    "Meine IBAN lautet {{iban:{}}}, danke.",
    "Die neue Bankverbindung ist {{iban:{}}}.",
)
PHONE_SENTENCES: Final = (
    "You can reach me at {{phone:{}}}.",
    "My phone number is {{phone:{}}} and I'm home after six.",
    "Call {{phone:{}}} tomorrow morning.",
    "Meine Handynummer ist {{phone:{}}}.",
    "Sie erreichen mich unter {{phone:{}}} ab achtzehn Uhr.",
    "It's {{phone:{}}}.",
)
PHONES: Final = (
    "0171 2345678",
    "030 901820",
    "+49 171 2345678",
    "0049 30 901820",
    "+44 20 7946 0958",
    "020 7946 0958",
    "(212) 555-0187",
    "212-555-0187",
    "+1 415 555 0132",
    "07700 900123",
    "0171/2345678",
    "+33 1 42 68 53 00",
    "+43 1 58858",
    "089 2180-0",
)
PHONES_SAID: Final = (
    ("01712345678", "de"),
    ("030901820", "de"),
    ("2125550187", "en"),
    ("4155550132", "en"),
    ("02079460958", "en"),
    ("07700900123", "en"),
)
MAIL_SENTENCES: Final = (
    "My e-mail address is {{mail:{}}}.",
    "Send it to {{mail:{}}} please.",
    "{{mail:{}}}",
    "Meine E-Mail-Adresse ist {{mail:{}}}.",
)
MAILS: Final = (
    "anna.keller@example.com",
    "b.fischer+bank@example.co.uk",
    "clara_novak@mail.example.org",
    "DMOREAU@EXAMPLE.FR",
    "elena@gmx.de",
    "farid.haddad77@web.de",
    "anna dot keller at example dot com",
    "b dot fischer at gmail dot com",
    "clara underscore novak at outlook dot com",
    "elena at gmx dot de",
    "anna punkt keller at beispiel punkt de",
    "farid unterstrich haddad ät web punkt de",
    "g l i n d at gmail dot com",
    "anna.keller at example.com",
    "hugo nine nine at yahoo dot com",
    "irina minus petrova klammeraffe posteo punkt de",
)
NOTHING: Final = """\
My contract number is HF-20417.
The instalment of 389 euros is due on the 15th of March 2027.
Die Rate von 389,50 Euro ist am 15.03.2027 fällig.
I paid 12,500.00 on 2026-11-22 and 3,250.75 on 2026-12-01.
The total is one thousand two hundred and thirty-four euros and fifty-six cents.
Four hundred and eleven customers wrote to us in the last two weeks.
Between 1999 and 2024 the rate rose from 1.25 to 4.75 percent.
My customer number is 4711 0815.
Meine Kundennummer ist 2025550143.
Meine Vertragsnummer lautet 0301234567.
The invoice number is 2024-000123-77.
Invoice 1234567890123 was paid.
Order number 4111 1111 1111 1112 has not arrived.
The reference is 4242 4242 4242 4241.
Tracking number 1Z 999 AA1 01 2345 6784 is on its way.
The ISBN is 978-3-16-148410-0.
Das Aktenzeichen ist 12 C 345/26.
It is 10:15 now, and the meeting is from 14:00 to 15:30.
One, two, three, four, five, six, seven, eight, nine, ten.
Eins, zwei, drei, vier, fünf, sechs, sieben, acht, neun, zehn.
I have one car, two children and three cats.
She said one two many times.
Look at example dot com for more.
Have a look at example.com.
Meet me at the station dot dot dot.
We met at eight at the corner.
Schauen Sie auf beispiel punkt de nach.
Look at us at example.org on the web.
Please dial nine for an outside line.
Press one for loans, two for cards, three for everything else.
Drücken Sie die eins für Kredite und die zwei für Karten.
My postcode is 10115 and I live at number 27.
Hauptstraße 112, 80331 München.
I was born on the 3rd of May 1984.
Ich bin am 03.05.1984 geboren.
The card ending in 4271 was blocked.
Die Karte mit den letzten Ziffern 4271 ist gesperrt.
My card has four digits at the back.
The account has been open for 60 months at 4.89 percent.
It's 60 instalments of 347 euros, that makes 20,820 euros.
Sixty instalments of three hundred and forty-seven euros.
Twenty twenty-six was a good year, twenty twenty-seven may be better.
Nineteen eighty-four is a book.
Flight LH 2028 leaves at 17:45 from gate B 27.
The temperature was minus 12.5 degrees.
The serial number is SN 8839 2210 4451.
Version 3.11.14 of 2025-10-09.
The IP address is 192.168.178.41.
Ninety-nine percent of nine hundred ninety-nine is nine hundred eighty-nine.
Room 101, floor 3, building 7.
I'd like 2, 4 or 6 of them.
The loan number is LN 2044 8810 3321.
Meine Steuernummer ist 21/815/08150.
BIC is COBADEFFXXX.
DE is the country code of Germany.
Order GB 12 of the catalogue.
The distance is 1,852,000 metres.
Es waren 1.250.000 Euro.
Pi is 3.14159265358979.
100, 200, 300, 400 and 500 euros.
In 2019, 2020, 2021, 2022 and 2023 I paid nothing.
Am 1., 2. und 3. Januar ist geschlossen.
Two plus two is four.
Eight hundred and fifty euros a month.
The answer to question 5 is 42.
Booking code 7731 4420.
My date of birth is 12/08/1979.
Score was 6-4, 7-5, 3-6, 6-1.
The case number is 30 44 88 12.
Die Auftragsnummer ist 4 500 123 456.
Policy number 88 123 456 789.
Article 4006381333931 is sold out.
Let's meet at two, or at four at the latest.
He lives at 12 at the moment.
I can pay 150 on the first, 150 on the fifteenth and 89.90 at the end.
Ich zahle hundertfünfzig am Ersten und den Rest am Fünfzehnten.
Was it fifteen or fifty?
Give me a second, or two, or three.
The code in the text message is 482913.
Kontostand: 1.204,33 Euro.
Year to date: 2026-01-01 to 2026-11-22.
It says error 4409 and then 1008.
My PIN has changed.
Chapter four, verses one to nineteen.
Zwei mal zwei ist vier, drei mal drei ist neun.
The size is 1920 by 1080 pixels.
Width 120, height 80, depth 45.
IBAN stands for International Bank Account Number.
What is an IBAN?
Do you need my phone number?
Do you need my card number?
Brauchen Sie meine Kreditkarte?
My e-mail doesn't work.
I'm at work at the moment, so e-mail me later.
""".splitlines()


def _cards(chance: random.Random) -> Iterator[str]:
    makes = (("4", 16), ("51", 16), ("2345", 16), ("37", 15), ("55", 16), ("4", 16), ("6011", 16), ("4", 13))
    for prefix, length in makes:
        number = card(prefix, length, chance)
        fours = (4, 6, 5) if length == 15 else (4,)
        yield number
        yield grouped(number, fours)
        yield grouped(number, fours, "-")
        yield grouped(number, fours, ", ")
        yield grouped(number, (4, 4, 4, 4, 1), ". ")
        yield said(number)
        yield said(number, every=4)
        yield said(number, every=4, breath=" um ")
        yield said(number).replace("zero", "oh")
        yield in_pairs(number)
        yield said(number, GERMAN)
        yield said(number, GERMAN, every=4).replace("zwei", "zwo")
        yield in_pairs(number, german=True)
        yield f"{number[:4]} {said(number[4:8])} {number[8:]}"
    for number, words in (
        (
            "4242424242424242",
            "forty-two forty-two, forty-two forty-two, forty-two forty-two, forty-two forty-two",
        ),
        ("4000056655665556", "four triple zero zero five double six double five double six triple five six"),
        ("4111111111111111", "four triple one, four times one is too short so one by one"),
    ):
        yield number
        if number != "4111111111111111":
            yield words


def _ibans(chance: random.Random) -> Iterator[str]:
    for country in ("DE", "AT", "GB", "CH", "DE"):
        number = iban(country, chance)
        yield number
        yield grouped(number, (4,))
        yield number.lower() if country == "DE" else grouped(number, (2, 2, 4, 4, 4, 4), "-")
        if country != "GB":
            yield said(number)
            yield said(number, GERMAN)
            yield said(number, every=4, breath=", ")
            yield f"{number[:2]} {in_pairs(number[2:])}"


def _phones() -> Iterator[str]:
    yield from PHONES
    for number, language in PHONES_SAID:
        words = GERMAN if language == "de" else ENGLISH
        yield said(number, words)
        yield said(number, words, every=3)
        yield said(number[:3], words) + ", " + in_pairs(number[3:], german=language == "de")
    yield "plus four nine one seven one two three four five six seven eight"
    yield "plus vier neun eins sieben eins zwei drei vier fünf sechs sieben acht"


def known() -> list[Case]:
    """The known set; the same each time."""
    chance = random.Random(17)  # noqa: S311 - nothing here is a secret
    marked = list(NOTHING)
    for sentences, values in (
        (CARD_SENTENCES, list(_cards(chance))),
        (IBAN_SENTENCES, list(_ibans(chance))),
        (PHONE_SENTENCES, list(_phones())),
        (MAIL_SENTENCES, list(MAILS)),
    ):
        marked += [sentences[at % len(sentences)].format(value) for at, value in enumerate(values)]
    return [Case.of(one) for one in marked]
