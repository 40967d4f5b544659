# `core.lanes` compiled: the same tape and lanes, their fields in C.
#
# What lives here: memory that is written from end to end, and numbers that each message reads and writes.
# What never will: a rule of its own; the rules are inherited.

@cython.final
cdef class CompiledTape:
    """`core.lanes.Tape` in one piece of memory, written once from end to end."""

    cdef PyObject *pcm  # bytes that nobody else knows yet
    cdef Py_ssize_t capacity, size, count
    cdef Py_ssize_t last_size, alike  # of the newest pieces: so many of one size, not in `sizes` yet
    cdef list sizes

    def __init__(self):
        self.pcm = NULL
        self.capacity = TAPE_BYTES
        self.sizes = []

    @classmethod
    def instead_of(cls, tape):
        """The same tape, compiled."""
        if isinstance(tape, CompiledTape):
            return tape
        made, at = cls(), 0
        pcm, sizes = tape.take()
        for size in sizes:
            made.add(pcm[at : at + size])
            at += size
        return made

    def __len__(self):
        return self.count

    def add(self, bytes pcm):
        """See `Tape`."""
        cdef Py_ssize_t size = PyBytes_GET_SIZE(pcm)
        memcpy(self.room(size), PyBytes_AS_STRING(pcm), size)
        self.added(size)

    def take(self):
        """See `Tape`."""
        cdef PyObject *pcm = self.pcm
        if pcm == NULL:
            return b"", []
        self.pcm = NULL
        _PyBytes_Resize(&pcm, self.size)
        taken = <object>pcm
        Py_DECREF(taken)
        # as much as this time, and a little more
        self.capacity = self.size + TAPE_BYTES
        self.size = self.count = 0
        sizes, self.sizes = self.sizes, []
        sizes += [self.last_size] * self.alike
        self.alike = 0
        return taken, sizes

    def __dealloc__(self):
        Py_XDECREF(self.pcm)

    cdef uint8_t *room(self, Py_ssize_t size) except NULL:
        """Where the next piece is to be written. It counts only once it is `added`."""
        if self.pcm == NULL:
            if size > self.capacity:
                self.capacity = size
            self.pcm = bytes_of(NULL, self.capacity)
            self.size = 0
        elif self.size + size > self.capacity:
            self.capacity = 2 * (self.size + size)
            _PyBytes_Resize(&self.pcm, self.capacity)
        return <uint8_t *>PyBytes_AS_STRING(<object>self.pcm) + self.size

    cdef uint8_t *end(self):
        """Behind the last piece."""
        return <uint8_t *>PyBytes_AS_STRING(<object>self.pcm) + self.size

    cdef int added(self, Py_ssize_t size) except -1:
        if self.last_size != size:
            self.sizes += [self.last_size] * self.alike
            self.last_size, self.alike = size, 0
        self.alike += 1
        self.count += 1
        self.size += size
        return 0


cdef object compiled(cls, lane, names):
    """The same lane with the fields of `cls`."""
    if isinstance(lane, cls):
        return lane
    made = cls()
    for name in names:
        told = getattr(lane, name)
        setattr(made, name, CompiledTape.instead_of(told) if name == "passed" else told)
    return made


cdef class InputFields:
    """The fields of an `InputLane`, where no interpreter is needed to read them."""

    cdef public long long room, until, acknowledged, said, said_max, ahead, told_to, seen
    cdef public CompiledTape passed
    cdef public list told


class CompiledInputLane(InputFields, InputLane):
    """See `core.lanes`."""

    __slots__ = ()

    @classmethod
    def instead_of(cls, lane):
        """The same lane, compiled."""
        told = ("acknowledged", "said", "said_max", "ahead", "told_to", "told", "seen")
        return compiled(cls, lane, ("room", "until", "passed", *told))


cdef class OutputFields:
    """The fields of an `OutputLane`."""

    cdef public long long generation, room, offset, stream, until
    cdef public str response_id, item_id
    cdef public CompiledTape passed
    cdef public double last_at
    cdef char last_event[EVENT_ID_BYTES]
    cdef Py_ssize_t last_event_size  # -1: none is known

    def __cinit__(self):
        self.last_event_size = -1

    @property
    def last_event_id(self):
        return None if self.last_event_size < 0 else self.last_event[: self.last_event_size].decode()

    @last_event_id.setter
    def last_event_id(self, told):
        cdef bytes text = b"" if told is None else (<str>told).encode()
        # one that is too long is no event's that passes here
        self.last_event_size = -1 if told is None or len(text) > EVENT_ID_BYTES else len(text)
        memcpy(self.last_event, <char *>text, max(0, self.last_event_size))


class CompiledOutputLane(OutputFields, OutputLane):
    """See `core.lanes`."""

    __slots__ = ()

    @classmethod
    def instead_of(cls, lane):
        """The same lane, compiled."""
        places = ("room", "passed", "offset", "stream", "until", "last_at")
        return compiled(cls, lane, ("generation", "response_id", "item_id", *places, "last_event_id"))


cdef class RelayFields:
    """The fields of a `RelayLane`."""

    cdef public long long voice, said
    cdef public double said_at
    cdef public bint is_passing


class CompiledRelayLane(RelayFields, RelayLane):
    """See `core.lanes`."""

    __slots__ = ()

    @classmethod
    def instead_of(cls, lane):
        """The same lane, compiled."""
        return compiled(cls, lane, ("is_passing", "voice", "said", "said_at"))


cdef bint same(hf_span span, text) except -1:
    """Whether a member is this text; an absent one is the same as none."""
    cdef Py_ssize_t size
    cdef const char *told
    if span.at == NULL or text is None:
        return span.at == NULL and text is None
    told = PyUnicode_AsUTF8AndSize(text, &size)
    return <size_t>size == span.size and memcmp(told, span.at, size) == 0
