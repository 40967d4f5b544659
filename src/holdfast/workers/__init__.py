"""Several processes behind one port.

The **front** has what is one for a gateway: the port, pages and REST, the gate, limits, the engine's pool,
and who has which session. **Workers** run conversations, each with a loop, links, a journal of its own. A
client's socket is let in by the front and then given away, with its file descriptor: from there no message
passes the front.

What lives here: the line between the two (`channel`, `memos`), the front's side (`threshold`, `staff`,
`counting`, `whereabouts`, `first_words`) and the worker's (`adopted`, `reporting`).
What never will: who is let in (`server.router`), what a conversation does (`runtime`).
"""
