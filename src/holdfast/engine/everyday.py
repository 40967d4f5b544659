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
    what should i do this weekend
    what should i cook for my guests
    what should i read next
    what shall we do tonight
    which jacket should i take
    which phone should i buy
    which car is the best
    which city is the biggest
    which animals live in the forest
    which day is it
    how far is the next village
    how far can you see
    how far is the sun from here
    how long does the flight take
    how long do dogs live
    how long should i sleep
    how old is the earth
    how old is your mother
    how fast is a cheetah
    how heavy is a whale
    how cold is it in winter
    how warm is the water
    how do you play chess
    how do i paint a wall
    how do i repair my bicycle
    how do i get rid of mice
    how do i learn french
    how do i make pancakes
    how do you say good night in russian
    how do you write this word
    how much snow is there
    how much sugar is in it
    how much does a house cost
    how many books did he write
    how many goals did they score
    how many planets are there
    what does this sign mean
    what does a teacher earn
    what does my name mean
    what did he say on television
    what did napoleon do
    what did the president say
    what is the biggest city in america
    what is the distance to the stars
    what is the fastest train
    what is the highest building
    what is the temperature of the sea
    what is the best hotel in rome
    what is the time in new york
    what is the name of the king
    what is your opinion
    what is love
    what is water made of
    what is the difference between a frog and a toad
    what was the score last night
    what was the name of that actor
    tell me about the second world war
    tell me about africa
    tell me about your family
    tell me about dinosaurs
    tell me a secret
    tell me the news of today
    tell me the way to the station
    tell me the time
    talk to me about music
    do you like chocolate
    do you know my brother
    do you want to play
    do you speak spanish
    do you sleep
    did you sleep well
    did you see the film
    did you hear the thunder
    did it rain last night
    did our team win
    have you been to paris
    have you seen my glasses
    is it warm outside
    is it too late for breakfast
    is there a pharmacy around here
    is there a god
    is there life on mars
    is the restaurant still open
    is the water cold
    is this seat free
    are there any sharks
    are you married
    are you hungry
    can you play the piano
    can you read my mind
    can you turn down the heating
    can you wake me up at six
    can you call my doctor
    can you call me a cab
    can you write a letter for me
    can birds swim
    can i bring my dog
    can i park here
    can i get a glass of water
    could you close the curtains
    could you pass me the salt
    could you recommend a wine
    please turn on the fan
    please switch off the computer
    please read the book to me
    please water the flowers
    please call an ambulance
    please bring me a coffee
    let us play football
    let me sleep
    give me a recipe for soup
    give me a cup of tea
    give me some advice about girls
    give me the number of the pizza place
    show me the way to the beach
    show me photos of my children
    find a parking place
    find the nearest bank machine
    buy a birthday present
    book a doctor's appointment
    book a seat on the train
    order two coffees
    start the car
    start the dishwasher
    stop the music
    stop the timer
    i am going to the supermarket
    i am looking for my cat
    i am so happy today
    i am learning to drive
    i am afraid of spiders
    i went to the dentist
    i saw a big dog
    i forgot my password for the computer
    i would like a beer
    i would like to speak spanish
    i would like to dance
    i want to see the world
    i want to hear a song
    i want to know the weather
    i need a new job
    i need some sleep
    i have a cold
    i have two brothers
    i have a question about history
    my mother is coming to dinner
    my neighbour is very loud
    my washing machine is broken
    my train is late
    our house is on fire
    the light is too bright
    the baby is crying
    the cat is on the roof
    the shop on the corner sells bread
    the old man sat by the sea
    the teacher wrote on the board
    the weather was fine and they went for a swim
    he would not say a word
    he lived in a small house in the woods
    she opened the letter and began to cry
    she had a voice like an angel
    it is the finest building in the city
    it may be said that he was a great man
    they had been friends for many years
    we shall see what happens
    nothing could be done about it
    in the beginning there was light
    from time to time he looked at the clock
    as far as i know
    turn right after the bridge
    drop the ball
    pick up the red box
    move forward
    three plus four
    queen of diamonds
    two of spades
    nine of clubs
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
