"""Sentences that the redaction was only ever measured with.

What lives here: the third set: other speakers, other forms, what a recogniser makes of them.
What never will: a sentence after which the redaction was changed. Such a set moves to `later`, and a new one
takes its place.
"""

from __future__ import annotations

import random
from typing import Final

from benchmarks.redaction.cases import Case
from benchmarks.redaction.numbers import ENGLISH, GERMAN, card, grouped, iban, in_pairs, said

_PLAIN: Final = """\
You can text me, {phone:07700 900 456} is best.
My wife's number is {phone:+49 160 5550123}, mine has changed.
Der Rückruf bitte an {phone:040 4280 9999}.
I'm at {phone:(646) 555-0175} until noon and at home after that.
that would be {phone:six four six five five five oh one seven five}
meine nummer lautet {phone:null eins sechs null fünf fünf fünf null eins zwei drei vier}
Sie können mich auf dem Festnetz erreichen, {phone:null vier null vier zwei acht null neun neun neun neun}.
it's {phone:oh seven seven double oh nine hundred four five six}
My number is {phone:1 646 555 0175}.
telephone {phone:plus forty-nine one sixty five five five zero one two three}
Fax: {phone:+49 40 42809998}
{phone:0160/5550123} - bitte nur abends
Please use {mail:ada.lovelace@example.org} from now on.
My work address is {mail:a-lovelace_77@dept.example.ac.uk}, I think.
{mail:CHARLES@EXAMPLE.COM}, all in capitals, no idea why
mail me at {mail:ada at example dot org}
my e-mail is {mail:ada dot l dot lovelace at gmail dot com}
schreiben Sie an {mail:vertrieb unterstrich nord at beispiel punkt de}
die Adresse ist {mail:m punkt mustermann ät gmx punkt net}
{mail:ada eight five at outlook dot com} is the one for bills
Meine Mailadresse: {mail:max.mustermann@t-online.de}
is it {mail:ada@example.com} or {mail:ada@example.org}?
Write it to {mail:first dot last at sub dot example dot com}.
user name {mail:ada plus bank at proton dot me}
I have nothing to say about cards.
Well, four of us went, and two came back.
the second one is at ten, the third at eleven
It happened on 4/7/2025 and again on 5/7/2025.
Der Termin ist am 04.07.2025 um 09:30 Uhr.
Seven hundred twenty-nine thousand four hundred.
My loan number is two zero four one seven.
Kreditnummer zwei null vier eins sieben, glaube ich.
The house cost 429,000 and we paid 85,800 up front.
Aktenzeichen 2026 / 4471 / 12 B
Order 88-2210-4471-9982 was cancelled.
The invoice 5500 0000 1234 is the wrong one.
Meine Mitgliedsnummer ist 1002938475.
The parcel has the code 00340434161094042557.
Sendungsnummer 00340434161094042557 ist verloren.
My passport number is C01X00T47.
The last four are nine nine one two.
I think it ended in four four, or four five.
At the office we have 12 desks and 14 people.
look at that dot on the map
Wir treffen uns am Punkt drei.
Our site is example dot org slash help.
Visit us at holdfast.example for the details.
Room 1204, then left at 1206.
3 times 19.99 is 59.97
Eins, zwei, Polizei, drei, vier, Grenadier.
twenty nineteen, twenty twenty, twenty twenty-one, all good years
In 1999 it was 12.5, in 2009 11.25, in 2019 9.75.
0.1 plus 0.2 is not 0.3.
From 9 to 5, Monday to Friday, 40 hours a week.
1,000,000 or 1.000.000, as the Germans write it.
Die Postleitzahl ist 20095, Hausnummer 17.
Is it one six or one seven?
Between you and me, two or three at most.
My daughter turns 18 on 18 August 2028.
Ten, twenty, thirty, forty, fifty, sixty.
I'd say 80 percent, maybe 90.
ninety days, six months, or one year
The password has twelve characters.
Take the A7, exit 24, then the B75.
My horse has four legs.
Bus 112, then line U3, then 5 minutes on foot.
The gross is 4,250.00 and the net 2,731.44.
version two point seven point one
10, 9, 8, 7, 6, 5, 4, 3, 2, 1
IBANs have 22 characters in Germany and 27 in France.
Ask for extension 4471.
{phone:040 42809999} extension 12
Error code 1006, and after that 4408.
""".splitlines()


def unseen() -> list[Case]:
    """The third set; the same each time."""
    chance = random.Random(99)  # noqa: S311 - nothing here is a secret
    return [Case.of(one) for one in (*_PLAIN, *_cards(chance), *_accounts(chance))]


def _cards(chance: random.Random) -> list[str]:
    visa, master, amex, other = (
        card(*kind, chance) for kind in (("4", 16), ("55", 16), ("37", 15), ("4", 16))
    )
    halves = f"{said(visa[:8])} wait a second {said(visa[8:])}"
    return [
        f"uh {{card:{said(visa, every=3)}}}",
        f"{{card:{said(visa, every=4, breath=' ... ')}}} that's the whole number",
        f"ok {{card:{in_pairs(master)}}} and the expiry is oh nine twenty-eight",
        f"{{card:{in_pairs(master[:8])} {said(master[8:])}}}",
        f"{{card:{grouped(amex, (4, 6, 5))}}} is my American Express",
        f"{{card:{said(amex[:4])}, {said(amex[4:10])}, {said(amex[10:])}}}",
        f"es ist die {{card:{said(other, GERMAN, every=4, breath=' und ')}}}",
        f"{{card:{in_pairs(other, german=True)}}} steht drauf",
        f"{{card:{grouped(other, (4,), '/')}}}",
        f"number {{card:{other}}} exp 0928 cvv {{card:771}}",
        f"my card, {{card:{visa[:4]} {visa[4:8]} {visa[8:12]}}}, sorry I lost my place",
        f"The card says {{card:{visa[:15]}{(int(visa[15]) + 1) % 10}}}, does it not?",
        f"{{card:{halves}}}",
        f"{{card:{said(visa).replace('four', 'for').replace('two', 'to')}}}",
        f"Visa {{card:{grouped(visa, (4,), ' - ')}}}",
        f"die Prüfziffer ist {{card:{said('771', GERMAN)}}}",
        f"so that's {{card:{said(master, every=1, breath=', ')}}}",
        f"{{card:{said(master, every=4, breath=', next ')}}}",
    ]


def _accounts(chance: random.Random) -> list[str]:
    german, austrian, british, swiss = (iban(country, chance) for country in ("DE", "AT", "GB", "CH"))
    misread = f"{german[:10]}{(int(german[10]) + 1) % 10}{german[11:]}"
    return [
        f"{{iban:{german}}}",
        f"Bankverbindung: {{iban:{grouped(german, (4,))}}}, BIC COBADEFFXXX",
        f"{{iban:{' '.join(german[:2])} {said(german[2:], GERMAN)}}}",
        f"{{iban:{german[:2]} {in_pairs(german[2:], german=True)}}} bei der Sparkasse",
        f"IBAN ist {{iban:{misread}}}",
        f"the i ban is {{iban:{' '.join(austrian[:2])}, {said(austrian[2:], every=4)}}}",
        f"{{iban:{grouped(austrian, (4,), '-')}}}",
        f"{{iban:{grouped(british, (4,))}}} with the building society",
        f"{{iban:{' '.join(british[:2])} {said(british[2:4])} {' '.join(british[4:8])} {said(british[8:])}}}",
        f"{{iban:{grouped(swiss, (4,))}}}, Zürich",
        f"{{iban:{swiss[:2].lower()} {said(swiss[2:], ENGLISH, every=3)}}}",
        f"{{iban:Delta Echo {said(german[2:], ENGLISH)}}}",
    ]
