"""Everyday speech that is no business of an assistant: what out of scope sounds like.

What lives here: sentences of general talk, which teach the classifier a "none of these" and the
recogniser that not every word is about the domain; numbers, dates and short answers, which every domain
needs. What never will: a phrase of a test set (a test holds that), or anything of a product.
"""

from __future__ import annotations

from typing import Final

from holdfast.engine.words import MONTHS, WEEKDAYS, cardinal, ordinal

AFFIRMATIVE: Final = frozenset(
    (
        "yes",
        "yeah",
        "yep",
        "yes please",
        "yes i do",
        "yes that is right",
        "yes exactly",
        "sure",
        "of course",
        "correct",
        "right",
        "that is right",
        "that is correct",
        "exactly",
        "please do",
        "okay",
        "ok",
        "i do",
        "yes it is",
        "yes that one",
    )
)
NEGATIVE: Final = frozenset(
    (
        "no",
        "nope",
        "no thanks",
        "no thank you",
        "no i do not",
        "no that is wrong",
        "that is wrong",
        "not that",
        "no not that",
        "wrong",
        "no something else",
        "something else",
        "never mind",
        "forget it",
    )
)
GREETINGS: Final = frozenset(
    (
        "hello",
        "hi",
        "hello there",
        "hi there",
        "good morning",
        "good afternoon",
        "good evening",
        "good day",
        "hey",
    )
)

SENTENCES: Final[tuple[str, ...]] = tuple(
    """
    what is the weather today
    how is the weather
    is it going to be cold tonight
    is it raining
    it is very hot outside
    will there be snow in the mountains
    do i need an umbrella
    play a song
    play my favourite music
    put on some music please
    turn the music up
    turn off the radio
    make it louder
    what is on television tonight
    show me a funny video
    tell me a story
    tell me something funny
    do you know any jokes
    say something in german
    how do you say thank you in spanish
    translate this into english
    what does this word mean in italian
    what is your name
    how old are you
    where do you live
    do you like music
    do you have a family
    what do you think about love
    i love you
    you are stupid
    you are very nice
    how are you today
    i am fine thanks and you
    i am hungry
    i am so bored
    i am not feeling well
    i have a headache
    my back hurts
    my son is sick
    i need a doctor
    call the police
    call my wife
    call a friend of mine
    send a message to my father
    write an email to my boss
    read my messages
    what is the news
    who won the election
    who is the prime minister
    who is the king of england
    who was the first man in space
    who wrote this book
    who painted the picture
    who is the best player in the world
    when was the war
    when did columbus sail to america
    when is christmas
    when is my birthday
    when does the shop open
    when does the bus come
    when do the shops close
    when is the next train to berlin
    when is the next game
    where is the station
    where is the bathroom
    where can i buy shoes
    where can i eat something
    where is my phone
    where did i leave my keys
    where is africa
    how do i get to the airport
    how do i get home
    how far is it to the city
    how high is the mountain
    how deep is the ocean
    how big is the sun
    how long is the river
    how long does the film last
    how many days are in a year
    how many legs does a spider have
    how many people live in this country
    how much does a car cost
    how much is a coffee
    how much water should i drink
    how much is a ticket to rome
    how do i make soup
    how do you make bread
    how do i clean my shoes
    how do i lose weight
    how can i sleep better
    how can i learn english
    how do planes fly
    why do birds sing
    why is the grass green
    why are you so slow
    why do we dream
    what time is it
    what day is it today
    what is the date today
    what is the capital of france
    what is the largest animal
    what is the meaning of life
    what is two plus two
    what is the square root of nine
    what is the population of germany
    what is for dinner
    what should we cook today
    what is a good restaurant around here
    what is the score of the game
    what is the name of this song
    what is your favourite food
    what is the temperature in the room
    what happened yesterday
    what shall i give my friend for his birthday
    which book should i read
    which way is north
    which movie shall we watch
    can you sing
    can you dance
    can you cook
    can you drive a car
    can you open the door
    can you tell me the time
    can you find a restaurant
    can you order some food
    can you book a flight
    i want to book a hotel
    i want to book a room for the weekend
    i would like to reserve a table in a restaurant
    i would like a cup of coffee
    i would like to go to the cinema
    i would like to buy a new phone
    i want to go on holiday
    i want to go to the beach
    i want to play a game
    i want to watch a movie
    i want to learn the guitar
    i need a new pair of shoes
    i need a plumber
    i need a taxi
    i lost my umbrella
    i broke my leg
    my phone does not work
    my internet is not working
    my car does not start
    my cat is sleeping
    my sister is getting married
    my brother lives in canada
    my boss is angry with me
    the dog is barking
    the door is open
    the soup is cold
    the coffee is too hot
    the children are at school
    the man is reading a newspaper
    the girl gave the boy a red ball
    the house on the hill is very old
    the sun is shining
    the train was late again
    she went to the market with her mother
    he was standing at the window
    he had never been so happy
    they were walking along the river
    we had a wonderful evening
    we are going to the park
    it was a dark night
    it was the best day of my life
    there was once a little girl
    there is a fly in my soup
    let us go for a walk
    let us talk about football
    set an alarm for seven
    set the alarm clock
    start a timer
    remind me to buy milk
    add bread to the list
    add a meeting to my calendar
    what is on my calendar
    cancel my appointment
    make an appointment with the dentist
    turn on the lamp
    turn off the light
    switch on the heating
    close the window
    open the garage
    lock the door
    clean the kitchen
    take a picture
    search the internet for pictures
    look it up on the map
    navigate to the office
    drive me to work
    go straight ahead and turn left
    go back two steps
    buy some apples and bananas
    buy me a lottery ticket
    order a book for me
    order a new dress
    send flowers to my mother
    send some money to my friend
    pay the electricity bill
    pay my telephone bill
    pay for the parking
    what is the exchange rate of the dollar
    how is the stock market
    buy shares of a company
    sell all my shares
    how much is the house worth
    how much tax do i have to pay
    how much do i earn
    i want to open a savings account
    i want to buy insurance
    i want to sell my car
    i want a credit card
    block my credit card
    what is the weather in london
    what is my horoscope
    what is the height of the tower
    six of diamonds
    king of hearts
    ace of spades
    walk backward five steps
    one two three four five six
    a b c d e f g
    testing testing one two three
    bla bla bla
    hello is anybody there
    """.strip().splitlines()
)


def small_talk() -> tuple[tuple[str, ...], ...]:
    """Short answers and greetings as words: every session must be able to hear them."""
    return tuple(tuple(text.split()) for text in sorted(AFFIRMATIVE | NEGATIVE | GREETINGS))


def quantities() -> tuple[tuple[str, ...], ...]:
    """Numbers, dates and sums as people say them, as words."""
    spoken: list[str] = [cardinal(number) for number in (*range(32), *range(40, 100, 10), 100, 200, 500, 1000)]
    spoken += [f"the {ordinal(day)} of {month}" for day in range(1, 32) for month in MONTHS[day % 12 :: 6]]
    spoken += [f"{month} {ordinal(day)}" for day in (1, 5, 10, 15, 20, 25) for month in MONTHS]
    spoken += [f"on {day}" for day in WEEKDAYS]
    spoken += [f"in {month}" for month in MONTHS]
    spoken += [f"{cardinal(sum_)} euros" for sum_ in (5, 10, 20, 50, 100, 200, 300, 500, 1000)]
    return tuple(tuple(text.split()) for text in spoken)
