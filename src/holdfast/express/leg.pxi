# One socket that rides.
#
# What lives here: boarding and leaving, reading frames, sending at once or behind what waits.
# What never will: what a message means; that is its way's.

@cython.final
cdef class Leg:
    """One socket that rides: a client's, or an upstream's. `way` says where its audio goes, None: nowhere.

    It has a descriptor of its own for the transport's socket, so what is sent here can never reach a descriptor
    that the transport has given back and somebody else was given. Whoever sends by way of the transport says so
    (`may_wait`): what the kernel did not take waits there, and nothing may overtake it. So no message has to ask
    the transport, which lies in memory that no cache holds.
    """

    # what each message meets, close together
    cdef Express express
    cdef public Way way
    cdef bytes begun  # a frame's first bytes, when no more came
    cdef uint64_t skip  # bytes of a frame that picows is reading
    cdef int fd
    cdef bint is_server
    cdef bint in_fragments
    cdef readonly bint is_riding
    cdef public bint is_shut
    """Our close frame is sent, or its line is left: nothing may follow."""
    cdef public bint may_wait
    """Something was sent by way of the transport, and may be waiting there."""
    # and what it does not
    cdef bint is_feeding
    cdef bint is_paused
    cdef Tls tls  # None: plain TCP
    cdef object transport
    cdef object raw  # the transport that has the socket: under TLS another
    cdef object send_of_picows

    def __cinit__(self, *_, **__):
        self.fd = -1

    def __init__(self, Express express, web, fd, is_server, session):
        self.express = express
        self.transport = web.underlying_transport
        self.raw = self.transport if session is None else session.raw
        self.tls = None if session is None else Tls(session)
        self.send_of_picows = web.send
        self.is_server = is_server
        self.begun = b""
        self.may_wait = True
        self.is_paused = not self.transport.is_reading()
        self.fd = fcntl(fd, F_DUPFD_CLOEXEC, 0)
        if self.fd < 0:
            raise OSError(errno, os.strerror(errno))

    def __dealloc__(self):
        self.let_go()

    cdef void let_go(self) noexcept:
        """Give the descriptor back: from here on nothing is sent."""
        self.is_shut = True
        if self.fd >= 0:
            close(self.fd)
            self.fd = -1

    def text(self, bytes payload):
        """Send one text message as picows does, and remember that it may wait; a server's small one at once."""
        cdef Py_ssize_t size = PyBytes_GET_SIZE(payload)
        if self.is_server and size <= FRAME_BYTES and self.is_clear():
            memcpy(self.express.written + HF_HEAD_MAX, PyBytes_AS_STRING(payload), size)
            send_under_head(self, HF_TEXT, self.express.written + HF_HEAD_MAX, size, NULL)
            return
        self.may_wait = True
        self.send_of_picows(TEXT, payload)

    def binary(self, payload):
        """The same with a binary one."""
        self.may_wait = True
        self.send_of_picows(BINARY, payload)

    def flush(self):
        """Let go what its way holds back."""
        if self.way is not None and self.way.is_holding():
            self.way.flush()

    def board(self):
        """From here on this socket is read here. picows must hold no part of a frame.

        Answers whether it rides, or never will; if not, the next boundary is to be tried.
        """
        if self.is_riding or self.is_shut or self.transport.is_closing():
            return True
        if self.tls is not None and (self.is_paused or not self.raw.is_reading() or not self.tls.is_read()):
            return False  # the transport is still to read of it, or to let the one beneath read again
        cdef epoll_event wanted
        wanted.events = 0 if self.is_paused else EPOLLIN
        wanted.data.fd = self.fd
        if epoll_ctl(self.express.epoll, EPOLL_CTL_ADD, self.fd, &wanted) < 0:
            return True
        if not self.is_paused:
            self.raw.pause_reading()
        riding = self.express.riding
        riding += [None] * (self.fd + 1 - len(riding))
        riding[self.fd] = self
        self.is_riding = True
        self.express.count_aboard(1)
        return True

    def leave(self):
        """From here on the transport reads it again, for good. Twice is harmless."""
        cdef epoll_event nothing
        self.flush()
        self.way = None
        if self.is_riding:
            self.express.riding[self.fd] = None
            epoll_ctl(self.express.epoll, EPOLL_CTL_DEL, self.fd, &nothing)
            self.express.count_aboard(-1)
        self.express.has_left_work = True
        self.let_go()
        if not self.is_riding:
            return
        self.is_riding = False
        if self.begun and not self.transport.is_closing():
            begun, self.begun = self.begun, b""
            self.feed(<const uint8_t *>PyBytes_AS_STRING(begun), PyBytes_GET_SIZE(begun))
        if self.tls is not None:
            self.give_back()
        elif not self.is_paused and not self.transport.is_closing():
            self.transport.resume_reading()

    cdef int give_back(self) except -1:
        """Of a line under TLS: let it be read beneath, for its end is a conversation too, and let what was received be
        opened, unless picows is to wait.
        """
        if self.raw.is_closing():
            return 0
        self.transport.pause_reading()
        self.raw.resume_reading()
        if not self.is_paused:
            self.transport.resume_reading()
        return 0

    def pause(self, bint is_paused):
        """Let TCP do the waiting."""
        cdef epoll_event wanted
        if is_paused == self.is_paused or self.transport.is_closing():
            return
        self.is_paused = is_paused
        if not self.is_riding:
            if is_paused:
                self.transport.pause_reading()
            else:
                self.transport.resume_reading()
            return
        wanted.events = 0 if is_paused else EPOLLIN
        wanted.data.fd = self.fd
        epoll_ctl(self.express.epoll, EPOLL_CTL_MOD, self.fd, &wanted)

    cdef int broke(self, error) except -1:
        """A bug of ours: this line ends, the others go on."""
        self.leave()
        self.express.loop.call_exception_handler({"message": "express: a frame broke off", "exception": error})
        self.transport.abort()
        return 0

    # reading

    cdef int read(self) except -1:
        cdef uint8_t *all = self.express.bytes_read
        cdef size_t there
        if self.tls is not None:
            return self.read_sealed()
        there = self.before(all)
        cdef ssize_t got = self.receive(all + there, READ_BYTES - there)
        if got > 0:
            if there:
                self.begun = b""
            self.frames(all, there + got)
        return 0

    cdef inline size_t before(self, uint8_t *to) noexcept:
        """Put what has begun there; answers how much it is."""
        cdef size_t there = PyBytes_GET_SIZE(self.begun)
        if there:
            memcpy(to, PyBytes_AS_STRING(self.begun), there)
        return there

    cdef inline ssize_t receive(self, uint8_t *to, size_t most) except -1:
        """What the socket has; 0: nothing now, or never again."""
        cdef ssize_t got = recv(self.fd, to, most, MSG_DONTWAIT)
        if got < 0 and errno in (EAGAIN, EINTR):
            return 0
        if got <= 0:
            self.leave()  # the transport finds the same, and knows what follows from it
            return 0
        return got

    cdef int read_sealed(self) except -1:
        """The same under TLS: record after record."""
        cdef uint8_t *all = self.express.bytes_read
        cdef size_t there
        cdef Py_ssize_t opened
        cdef ssize_t got = self.receive(self.express.sealed, READ_BYTES)
        if not got:
            return 0
        self.tls.receive(self.express.sealed, got)
        while self.is_riding and not self.tls.is_empty():
            there = self.before(all)
            try:
                opened = self.tls.read(all + there, READ_BYTES - there)
            except ssl.SSLError:
                opened = 0
                self.send_outgoing()  # says what was wrong with it
            if opened < 0:
                break
            if not opened:
                self.leave()
                self.transport.close()
                return 0
            self.begun = b""
            self.frames(all, there + opened)
        if self.is_riding and self.tls.outgoing.pending:
            self.send_outgoing()  # an answer of the session's own
        return 0

    cdef int frames(self, uint8_t *at, size_t there) except -1:
        cdef hf_frame frame
        cdef size_t size
        cdef bint has_fed = False
        while there:
            if not self.is_riding or (has_fed and self.transport.is_closing()):  # what was read is picows' now
                return self.feed(at, there)
            if self.skip:
                size = there if there < self.skip else self.skip
                self.skip -= size
                self.feed(at, size)
                has_fed = True
            elif not hf_read_head(at, there, &frame):
                self.begun = PyBytes_FromStringAndSize(<char *>at, there)
                return 0
            elif frame.size > FRAME_BYTES or not frame.is_whole or frame.is_masked != self.is_server:
                self.follow(&frame)
                # more than can be counted is more than picows takes, too
                self.skip = frame.head + frame.size if frame.size < MANY else MANY
                continue
            else:
                size = frame.head + frame.size
                if there < size:
                    self.begun = PyBytes_FromStringAndSize(<char *>at, there)
                    return 0
                if self.in_fragments or self.way is None or not self.way.take(self, at, &frame):
                    self.flush()
                    self.follow(&frame)
                    self.feed(at, size)
                    has_fed = True
            at += size
            there -= size
        return 0

    cdef int follow(self, hf_frame *frame) except -1:
        """A message in pieces is picows'; so is every message that comes between them."""
        if frame.opcode < 8:
            self.in_fragments = not frame.is_final
        return 0

    cdef int feed(self, const uint8_t *at, size_t size) except -1:
        """Give bytes to picows, as the transport would."""
        cdef size_t part
        cdef uint8_t[::1] room
        self.may_wait = self.is_feeding = True  # picows may answer by itself
        self.express.has_left_work = True  # whatever Python starts
        protocol = self.transport.get_protocol()
        while size:
            room = protocol.get_buffer(size)
            part = size if size < <size_t>room.shape[0] else room.shape[0]
            memcpy(&room[0], at, part)
            protocol.buffer_updated(part)
            at += part
            size -= part
        self.is_feeding = False
        return 0

    # writing

    cdef bint is_clear(self) except -1:
        """Whether what is sent now is not sent before what waits already."""
        if self.is_shut:
            return False
        if self.may_wait or not self.is_riding:
            if self.transport.is_closing() or self.transport.get_write_buffer_size():
                return False
            if self.tls is not None and self.raw.get_write_buffer_size():
                return False
            self.may_wait = self.is_feeding
        return True

    cdef int send_behind(self, const uint8_t *data, size_t size) except -1:
        """Send, or behind what waits; nothing to a line that is dead: what it was given counts as lost with it."""
        if self.is_clear():
            return self.send(data, size)
        if not self.is_shut:
            self.write(PyBytes_FromStringAndSize(<char *>data, size))
        return 0

    cdef int write(self, bytes data) except -1:
        """By way of the transport, which waits for room."""
        self.may_wait = self.express.has_left_work = True
        if not self.transport.is_closing():
            self.transport.write(data)
        return 0

    cdef int send(self, const uint8_t *data, size_t size) except -1:
        cdef bytes sealed
        if self.tls is None:
            return self.give(data, size)
        try:
            sealed = self.tls.close_up(data, size)
        except ssl.SSLError:  # this line's, not that of whoever sends
            self.leave()
            self.transport.abort()
            return 0
        if sealed is None:
            self.leave()
            return self.write(PyBytes_FromStringAndSize(<char *>data, size))
        return self.give(<const uint8_t *>PyBytes_AS_STRING(sealed), PyBytes_GET_SIZE(sealed))

    cdef int send_outgoing(self) except -1:
        cdef bytes sealed = self.tls.give_out()
        if self.raw.get_write_buffer_size():
            return self.queue(sealed)  # behind it: the next record has the next number
        return self.give(<const uint8_t *>PyBytes_AS_STRING(sealed), PyBytes_GET_SIZE(sealed))

    cdef inline int give(self, const uint8_t *data, size_t size) except -1:
        """To the socket, as it is; what the kernel does not take waits in the transport that has it."""
        cdef ssize_t sent = send(self.fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL)
        if sent < 0:
            sent = 0  # if it is more than a full buffer, the transport finds out
        if <size_t>sent < size:
            self.queue(PyBytes_FromStringAndSize(<char *>data + sent, size - sent))
        return 0

    cdef int queue(self, bytes data) except -1:
        """By way of the transport that has the socket, as it is."""
        self.may_wait = self.express.has_left_work = True
        if not self.raw.is_closing():
            self.raw.write(data)
        return 0


cdef int send_append(Leg to, uint8_t *text, size_t size) except -1:
    """Send the base64 that stands where it belongs in `text`, as `wire.upstream` writes it."""
    cdef const uint8_t *mask = to.express.mask()
    memcpy(text, b'{"type":"input_audio_buffer.append","audio":"', APPEND_HEAD)
    memcpy(text + APPEND_HEAD + size, b'"}', 2)
    size += APPEND_HEAD + 2
    hf_mask(text, text, size, mask)
    return send_under_head(to, HF_TEXT, text, size, mask)


cdef int send_under_head(
    Leg to, uint8_t opcode, uint8_t *payload, size_t size, const uint8_t *mask, size_t more=0
) except -1:
    """Send what stands at `payload`, before which there is room for a head, and so many bytes `more` behind it."""
    cdef uint8_t head[HF_HEAD_MAX]
    cdef size_t length = hf_write_head(head, opcode, size, mask)
    memcpy(payload - length, head, length)
    return to.send_behind(payload - length, length + size + more)
