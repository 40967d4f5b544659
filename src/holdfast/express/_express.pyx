# cython: language_level=3, boundscheck=False, wraparound=False
"""Audio from socket to socket without an interpreter in between: compiled, and only for what is usual.

What lives here: reading frames, looking at a message's type, the same accounts that the short way keeps in
Python (`core.lanes`, `runtime.relay_runner.client_text`), one `send` for each message.
What never will: a rule of its own. A frame that is not usual in every respect goes to picows, untouched and in
its order, and what Python makes of it is what happens.
"""

cimport cython
from cpython.ref cimport Py_DECREF, Py_INCREF, Py_XDECREF, PyObject
from cpython.buffer cimport PyBUF_READ, PyBUF_WRITE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.memoryview cimport PyMemoryView_FromMemory
from cpython.pycapsule cimport PyCapsule_GetPointer
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcmp, memcpy

import os
import ssl

import uvloop.loop
from picows import WSMsgType

from holdfast.core.lanes import InputLane, OutputLane, RelayLane

cdef extern from "Python.h":
    PyObject *bytes_of "PyBytes_FromStringAndSize"(const char *data, Py_ssize_t size) except NULL
    int _PyBytes_Resize(PyObject **pcm, Py_ssize_t size) except -1

cdef extern from "frames.h" nogil:
    ctypedef struct hf_frame:
        size_t head
        uint64_t size
        uint8_t opcode
        uint8_t is_whole
        uint8_t is_final
        uint8_t is_masked
        uint8_t mask[4]
    ctypedef struct hf_span:
        const char *at
        size_t size
    ctypedef struct hf_event:
        hf_span type
        hf_span event_id
        hf_span response_id
        hf_span item_id
        hf_span audio
        hf_span delta
        hf_span count
        int others
    enum:
        HF_TEXT
        HF_BINARY
        HF_HEAD_MAX
    int hf_read_head(const uint8_t *at, size_t there, hf_frame *frame)
    size_t hf_write_head(uint8_t *to, uint8_t opcode, size_t size, const uint8_t *mask)
    void hf_mask(uint8_t *to, const uint8_t *source, size_t size, const uint8_t *mask)
    int hf_read_event(const char *text, size_t size, hf_event *event)
    int hf_is(hf_span span, const char *text, size_t size)
    int64_t hf_number(hf_span span)

cdef extern from "base64.h" nogil:
    size_t hf_encoded_size(size_t size)
    void hf_encode(uint8_t *to, const uint8_t *source, size_t size)
    ssize_t hf_decode(uint8_t *to, const uint8_t *source, size_t size)

cdef extern from "sys/socket.h" nogil:
    ssize_t recv(int fd, void *to, size_t size, int flags)
    ssize_t send(int fd, const void *data, size_t size, int flags)
    int MSG_DONTWAIT
    int MSG_NOSIGNAL

cdef extern from "unistd.h" nogil:
    int close(int fd)

cdef extern from "fcntl.h" nogil:
    int fcntl(int fd, int command, int least)
    int F_DUPFD_CLOEXEC

cdef extern from "sys/epoll.h" nogil:
    ctypedef union epoll_data_t:
        int fd
    struct epoll_event:
        uint32_t events
        epoll_data_t data
    int epoll_create1(int flags)
    int epoll_ctl(int epfd, int op, int fd, epoll_event *event)
    int epoll_wait(int epfd, epoll_event *events, int most, int timeout)
    int EPOLL_CTL_ADD
    int EPOLL_CTL_MOD
    int EPOLL_CTL_DEL
    uint32_t EPOLLIN

cdef extern from "waiting.h" nogil:
    ctypedef struct hf_wait:
        pass
    int hf_uv_find(const char *library)
    hf_wait *hf_wait_new(void *loop, int epoll, void *whose, int (*take)(void *, epoll_event *, int) noexcept)
    void hf_wait_switch(hf_wait *wait, int is_on)
    void hf_wait_close(hf_wait *wait)

cdef extern from "time.h" nogil:
    struct timespec:
        long tv_sec
        long tv_nsec
    int clock_gettime(int clock, timespec *at)
    int CLOCK_MONOTONIC

cdef enum:
    READ_BYTES = 128 * 1024
    FRAME_BYTES = 16 * 1024  # what is longer is no frame of audio as clients send it
    READY = 256
    SAID_BYTES = 128
    TAPE_BYTES = 4096
    APPEND_HEAD = 45
    PLACE_BYTES = 24
    EVENT_ID_BYTES = 64
    PCM_BYTES_PER_MS = 48
    MASKS = 1024


cdef object TEXT = WSMsgType.TEXT
cdef object BINARY = WSMsgType.BINARY
cdef uint64_t MANY = 1ull << 62
cdef double HOLD_S = 0.05
"""What is held back waits for twice as long at the most, where no more comes."""


cdef double now():
    cdef timespec at
    clock_gettime(CLOCK_MONOTONIC, &at)
    return at.tv_sec + at.tv_nsec / 1e9


cdef void *uv_loop_of(loop) except? NULL:
    """Its `uv_loop_t`, where it is uvloop's and the library shows the functions that are needed; else NULL."""
    if not isinstance(loop, uvloop.Loop) or not hf_uv_find(os.fsencode(uvloop.loop.__file__)):
        return NULL
    return PyCapsule_GetPointer(uvloop.loop.libuv_get_loop_t_ptr(loop), NULL)


cdef int took(void *whose, epoll_event *ready, int count) noexcept with gil:
    """See `hf_wait`."""
    return (<Express>whose).take(ready, count)


@cython.final
cdef class Express:
    """Reads the sockets that ride on it: one for each event loop.

    While any rides it waits in the loop's place (`waiting.h`); where the loop cannot be asked for how long, the loop
    calls `run` when any has something.
    """

    cdef int epoll
    cdef hf_wait *wait
    cdef Py_ssize_t aboard
    cdef bint has_left_work  # for the loop: something was started that only its next round sees to
    cdef list riding  # by descriptor
    cdef uint8_t *bytes_read
    cdef uint8_t *sealed
    cdef uint8_t *written
    cdef bytes masks
    cdef Py_ssize_t mask_at
    cdef object loop
    cdef list holding  # ways that hold audio back for a moment
    cdef object release
    cdef Py_ssize_t join_bytes
    cdef readonly long long up
    """Messages of audio that passed here from clients."""
    cdef readonly long long down
    """And to them."""

    def __cinit__(self):
        self.epoll = -1
        self.wait = NULL
        self.bytes_read = <uint8_t *>malloc(READ_BYTES)
        self.sealed = <uint8_t *>malloc(READ_BYTES)
        self.written = <uint8_t *>malloc(4 * FRAME_BYTES)
        if self.bytes_read == NULL or self.sealed == NULL or self.written == NULL:
            raise MemoryError

    def __init__(self, loop):
        self.epoll = epoll_create1(0o2000000)  # closed on exec
        if self.epoll < 0:
            raise OSError(errno, os.strerror(errno))
        self.riding = []
        self.masks = b""
        self.mask_at = 0
        self.loop = loop
        self.holding = []
        self.release = None
        self.join_bytes = 0
        cdef void *uv_loop = uv_loop_of(loop)
        if uv_loop != NULL:
            self.wait = hf_wait_new(uv_loop, self.epoll, <void *>self, took)
        if self.wait == NULL:
            loop.add_reader(self.epoll, self.run)
        else:
            Py_INCREF(self)  # for the loop, until `close`

    cdef int count_aboard(self, int more) except -1:
        self.aboard += more
        if self.wait != NULL:
            hf_wait_switch(self.wait, self.aboard > 0)
        return 0

    def leg(self, web, fd, *, is_server, tls):
        """A place for the socket of this WSTransport; it rides once it has boarded. Raises OSError: no descriptor.

        `tls`: its `TlsSession`, or None where it is plain TCP.
        """
        return Leg(self, web, fd, is_server, tls)

    def join(self, ms):
        """Join that much of a client's audio into one append, or what came meanwhile; 0: each as it comes."""
        self.join_bytes = <Py_ssize_t>ms * PCM_BYTES_PER_MS

    cdef int hold(self, Way way) except -1:
        """This way has begun to hold audio back: it is let go in any case when as much could have come."""
        self.holding.append(way)
        if self.release is None:
            self.release = self.loop.call_later(HOLD_S, self.let_go)
            self.has_left_work = True
        return 0

    def let_go(self):
        """Send what is held back and was so the last time already."""
        cdef Way way
        holding, self.holding = self.holding, []
        self.release = None
        for way in holding:
            way.is_listed = False
            if way.is_holding() and not way.is_old:
                way.is_old = way.is_listed = True
                self.hold(way)
        for way in holding:
            if way.is_holding() and not way.is_listed:
                way.flush()

    def close(self):
        """Let everybody off."""
        if self.release is not None:
            self.release.cancel()
        for leg in self.riding:
            if leg is not None:
                (<Leg>leg).leave()
        if self.wait != NULL:
            hf_wait_close(self.wait)
            self.wait = NULL
            Py_DECREF(self)
        elif self.epoll >= 0:
            self.loop.remove_reader(self.epoll)
        if self.epoll >= 0:
            os.close(self.epoll)
            self.epoll = -1

    def __dealloc__(self):
        free(self.bytes_read)
        free(self.sealed)
        free(self.written)

    def run(self):
        """Read what is there, once from each socket."""
        cdef epoll_event ready[READY]
        self.take(ready, epoll_wait(self.epoll, ready, READY, 0))

    cdef bint take(self, epoll_event *ready, int count) noexcept:
        """Read from each of these; answers whether the loop has nothing to do."""
        cdef int i, fd
        cdef Leg leg
        self.has_left_work = False
        for i in range(count):
            fd = ready[i].data.fd
            if fd >= len(self.riding) or self.riding[fd] is None:
                self.has_left_work = True  # it is the loop's own descriptor
                continue
            leg = <Leg>self.riding[fd]
            try:
                leg.read()
            except Exception as error:
                leg.broke(error)
        return not self.has_left_work

    cdef const uint8_t *mask(self) except NULL:
        """Four bytes that nobody can foresee (RFC 6455, 5.3)."""
        if self.mask_at + 4 > PyBytes_GET_SIZE(self.masks):
            self.masks = os.urandom(MASKS)
            self.mask_at = 0
        self.mask_at += 4
        return <const uint8_t *>PyBytes_AS_STRING(self.masks) + self.mask_at - 4


@cython.final
cdef class Tls:
    """What the two ends of a socket agreed on, between its bytes and ours: see `session.TlsSession`."""

    cdef object incoming, outgoing, take_in, give_out, open_record, seal_record, opened

    def __init__(self, session):
        self.incoming = session.incoming
        self.outgoing = session.outgoing
        self.take_in = session.incoming.write
        self.give_out = session.outgoing.read
        self.open_record = session.read
        self.seal_record = session.write
        self.opened = session.pending

    cdef bint is_empty(self) except -1:
        """Whether no byte that was received waits to be opened."""
        return not self.incoming.pending

    cdef bint is_read(self) except -1:
        """Whether none waits to be read, either."""
        return not self.incoming.pending and not self.opened()

    cdef int receive(self, uint8_t *at, size_t size) except -1:
        """Bytes as they came from the socket."""
        self.take_in(PyMemoryView_FromMemory(<char *>at, size, PyBUF_READ))
        return 0

    cdef Py_ssize_t read(self, uint8_t *to, size_t most) except -2:
        """Open a record, of which there is room for a whole one; 0: the other end has closed; -1: more must come."""
        try:
            return self.open_record(most, PyMemoryView_FromMemory(<char *>to, most, PyBUF_WRITE))
        except ssl.SSLWantReadError:
            return -1

    cdef bytes close_up(self, const uint8_t *data, size_t size):
        """What goes over the socket instead of this; None: the session has to read first, and took nothing."""
        cdef size_t done = 0
        while done < size:
            try:
                done += <size_t>self.seal_record(
                    PyMemoryView_FromMemory(<char *>data + done, size - done, PyBUF_READ)
                )
            except ssl.SSLWantReadError:
                if not done:
                    return None
                raise
        return self.give_out()


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
        if self.raw.get_write_buffer_size():  # behind it: the next record has the next number
            self.may_wait = self.express.has_left_work = True
            if not self.raw.is_closing():
                self.raw.write(sealed)
            return 0
        return self.give(<const uint8_t *>PyBytes_AS_STRING(sealed), PyBytes_GET_SIZE(sealed))

    cdef inline int give(self, const uint8_t *data, size_t size) except -1:
        """To the socket, as it is; what the kernel does not take waits in the transport that has it."""
        cdef ssize_t sent = send(self.fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL)
        if sent < 0:
            sent = 0  # if it is more than a full buffer, the transport finds out
        if <size_t>sent < size:
            self.may_wait = self.express.has_left_work = True
            if not self.raw.is_closing():
                self.raw.write(PyBytes_FromStringAndSize(<char *>data + sent, size - sent))
        return 0


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


cdef class Way:
    """Where a socket's audio goes. Subclasses are the usual cases."""

    cdef bint is_listed, is_old

    cdef bint is_holding(self):
        """Whether audio is held back that counts as sent."""
        return False

    cdef int flush(self) except -1:
        """Send it."""
        return 0

    cdef int holds(self, Express express) except -1:
        """Audio is held back, and to be let go in time."""
        if not self.is_listed:
            self.is_listed = True
            self.is_old = False
            express.hold(self)
        return 0

    cdef bint take(self, Leg leg, uint8_t *at, hf_frame *frame) except -1:
        """Whether the frame went. If not, nothing has changed."""
        return False


@cython.final
cdef class RelayUp(Way):
    """A client of `/v1/realtime`: its appends go up as they came (`RelayRunner.client_text`)."""

    cdef RelayFields lane
    cdef list fresh
    cdef Py_ssize_t fresh_max
    cdef Leg to
    cdef object kept
    cdef uint8_t *held  # an append that is not closed yet
    cdef Py_ssize_t held_size

    def __init__(self, RelayFields lane, Leg to, kept, fresh_max):
        self.lane = lane
        self.kept = kept
        self.fresh = kept.fresh
        self.fresh_max = fresh_max
        self.to = to

    def __dealloc__(self):
        free(self.held)

    cdef bint is_holding(self):
        return self.held_size > 0

    cdef int flush(self) except -1:
        cdef Py_ssize_t size = self.held_size
        self.held_size = 0
        self.is_old = False
        return send_append(self.to, self.held + HF_HEAD_MAX, size)

    cdef bint join(self, Express express, hf_event *event) except -1:
        """Whether this append can wait for the next: it bears nothing but audio, and the next one's may follow."""
        cdef Py_ssize_t size = event.audio.size
        if event.event_id.at or event.response_id.at or event.item_id.at or event.delta.at or event.count.at:
            return False
        if event.others or event.audio.at == NULL or not size or event.audio.at[size - 1] == c"=":
            return False
        if hf_decode(express.written, <const uint8_t *>event.audio.at, size) < 0:
            return False  # it would take its neighbours with it
        if self.held == NULL:
            self.held = <uint8_t *>malloc(HF_HEAD_MAX + APPEND_HEAD + 2 * FRAME_BYTES + 2)
            if self.held == NULL:
                raise MemoryError
        if self.held_size + size > 2 * FRAME_BYTES:
            return False
        memcpy(self.held + HF_HEAD_MAX + APPEND_HEAD + self.held_size, event.audio.at, size)
        self.held_size += size
        # as base64 it is a third longer
        if 3 * self.held_size >= 4 * express.join_bytes:
            self.flush()
        else:
            self.holds(express)
        return True

    cdef bint take(self, Leg leg, uint8_t *at, hf_frame *frame) except -1:
        cdef hf_event event
        cdef const uint8_t *mask
        cdef Py_ssize_t size = frame.size
        if frame.opcode != HF_TEXT or not self.lane.is_passing or not self.to.is_clear():
            return False
        payload = PyBytes_FromStringAndSize(NULL, size)
        cdef uint8_t *text = <uint8_t *>PyBytes_AS_STRING(payload)
        hf_mask(text, at + frame.head, size, frame.mask)
        if not hf_read_event(<char *>text, size, &event):
            return False
        if not hf_is(event.type, b"input_audio_buffer.append", 25):
            return False
        if not leg.express.join_bytes or not self.join(leg.express, &event):
            if self.held_size:
                self.flush()
            mask = leg.express.mask()
            hf_mask(at + frame.head, text, size, mask)
            memcpy(at + frame.head - 4, mask, 4)
            self.to.send_behind(at, frame.head + size)
        self.fresh.append(payload)
        leg.express.up += 1
        if len(self.fresh) >= self.fresh_max:
            self.kept.book()
        return True


@cython.final
cdef class RelayDown(Way):
    """An upstream behind `/v1/realtime`: its deltas go down as they came (`RelayRunner.upstream_message`)."""

    cdef RelayFields lane
    cdef CompiledTape missed
    cdef Py_ssize_t generation, fresh_max
    cdef Leg to
    cdef object window

    def __init__(self, RelayFields lane, generation, Leg to, window, fresh_max):
        self.lane = lane
        self.generation = generation
        self.to = to
        self.window = window
        if window is not None:
            window.fresh = self.missed = CompiledTape.instead_of(window.fresh)
        self.fresh_max = fresh_max

    cdef bint take(self, Leg leg, uint8_t *at, hf_frame *frame) except -1:
        cdef hf_event event
        cdef Py_ssize_t size = frame.size
        if frame.opcode != HF_TEXT or self.lane.voice != self.generation or not self.to.is_clear():
            return False
        if not hf_read_event(<char *>at + frame.head, size, &event):
            return False
        if not hf_is(event.type, b"response.output_audio.delta", 27) and not hf_is(
            event.type, b"response.audio.delta", 20
        ):
            return False
        if self.missed is not None:
            memcpy(self.missed.room(size), at + frame.head, size)
            self.missed.added(size)
            if self.missed.count >= self.fresh_max:
                self.window.book()
        self.lane.said += size
        self.lane.said_at = now()
        self.to.send(at, frame.head + size)
        leg.express.down += 1
        return True


@cython.final
cdef class SessionUp(Way):
    """A client of the browser protocol: PCM goes up in appends (`SessionRunner.client_binary`).

    `received` answers the message that tells what was received, which makes room for more.
    """

    cdef InputFields lane
    cdef CompiledTape passed
    cdef Py_ssize_t head, least
    cdef Py_ssize_t held  # so many bytes at the end of the tape are not sent yet
    cdef Leg to
    cdef object received

    def __init__(self, InputFields lane, Leg to, received, is_positioned, least):
        self.lane = lane
        self.passed = lane.passed
        self.to = to
        self.received = received
        self.head = 8 if is_positioned else 0
        self.least = least
        self.held = 0

    cdef bint is_holding(self):
        return self.held > 0

    cdef int flush(self) except -1:
        cdef Express express = self.to.express
        cdef uint8_t *pcm
        if self.passed.pcm == NULL or self.passed.size < self.held:  # taken already: then it was sent by who took it
            self.held = 0
            return 0
        pcm = self.passed.end() - self.held
        cdef uint8_t *out = express.written + HF_HEAD_MAX
        cdef Py_ssize_t length = hf_encoded_size(self.held)
        hf_encode(out + APPEND_HEAD, pcm, self.held)
        self.held = 0
        self.is_old = False
        return send_append(self.to, out, length)

    cdef bint take(self, Leg leg, uint8_t *at, hf_frame *frame) except -1:
        cdef Py_ssize_t size = <Py_ssize_t>frame.size - self.head
        cdef Py_ssize_t samples = size >> 1
        cdef long long room
        cdef uint8_t *pcm
        cdef uint64_t position
        if frame.opcode == HF_TEXT:
            return self.acknowledged(leg, at, frame)
        if frame.opcode != HF_BINARY or size < self.least or size & 1 or not self.to.is_clear():
            return False
        if self.lane.room - samples < samples and not self.has_room(leg, samples):
            return False
        room = self.lane.room
        if self.head:
            hf_mask(<uint8_t *>&position, at + frame.head, 8, frame.mask)
            if position != <uint64_t>(self.lane.until - room):
                return False
        pcm = self.passed.room(size)
        hf_mask(pcm, at + frame.head + self.head, size, frame.mask)
        self.lane.room = room - samples
        self.passed.added(size)
        leg.express.up += 1
        self.held += size
        if self.held >= leg.express.join_bytes:
            self.flush()
        else:
            self.holds(leg.express)
        return True

    cdef bint has_room(self, Leg leg, Py_ssize_t samples) except -1:
        """Whether there is room for this message and another, once it is told what was received before."""
        if self.lane.room + self.lane.ahead - samples < samples:
            return False
        told = self.received()
        if told is None:
            return False
        leg.text(told)
        return self.lane.room - samples >= samples

    cdef bint acknowledged(self, Leg leg, uint8_t *at, hf_frame *frame) except -1:
        """Whether it is what a client says again and again, and nothing follows from it now."""
        cdef uint8_t text[SAID_BYTES]
        cdef hf_event event
        cdef int64_t offset
        if frame.size > SAID_BYTES:
            return False
        hf_mask(text, at + frame.head, frame.size, frame.mask)
        if not hf_read_event(<char *>text, frame.size, &event) or not hf_is(event.type, b"ack", 3):
            return False
        offset = hf_number(event.count)
        if offset < 0 or event.event_id.at or event.item_id.at or event.response_id.at or event.others:
            return False
        if event.audio.at or event.delta.at:
            return False
        return (<object>self.lane).acknowledge(offset)


@cython.final
cdef class SessionDown(Way):
    """An upstream behind the browser protocol: deltas go down as PCM (`SessionRunner.upstream_message`).

    With them goes what is to be told of the audio that was `heard`, once it is as much as `tell_every`.
    """

    cdef OutputFields lane
    cdef CompiledTape passed
    cdef Py_ssize_t generation, least
    cdef bint is_positioned
    cdef Leg to
    cdef InputFields heard
    cdef object received
    cdef long long tell_every

    def __init__(
        self,
        OutputFields lane,
        generation,
        Leg to,
        InputFields heard,
        received,
        tell_every,
        is_positioned,
        least,
    ):
        self.lane = lane
        self.passed = lane.passed
        self.generation = generation
        self.to = to
        self.heard = heard
        self.received = received
        self.tell_every = tell_every
        self.is_positioned = is_positioned
        self.least = least

    cdef bint take(self, Leg leg, uint8_t *at, hf_frame *frame) except -1:
        cdef OutputFields lane = self.lane
        cdef hf_event event
        cdef Py_ssize_t size, samples
        cdef long long start = lane.until - lane.room
        cdef uint8_t *out = leg.express.written + HF_HEAD_MAX
        cdef uint8_t *pcm
        cdef uint64_t wide
        cdef uint32_t narrow[2]
        if frame.opcode != HF_TEXT or lane.generation != self.generation or lane.room <= 0:
            return False
        if not hf_read_event(<char *>at + frame.head, frame.size, &event) or not self.to.is_clear():
            return False
        if not hf_is(event.type, b"response.output_audio.delta", 27) or event.delta.at == NULL:
            return False
        if not same(event.response_id, lane.response_id) or not same(event.item_id, lane.item_id):
            return False
        if event.event_id.at == NULL or event.event_id.size > EVENT_ID_BYTES:
            return False
        if hf_is(event.event_id, lane.last_event, lane.last_event_size):
            return False
        pcm = self.passed.room(event.delta.size)  # as bytes it is less, with room for what is written too much
        size = hf_decode(pcm, <const uint8_t *>event.delta.at, event.delta.size)
        samples = size >> 1
        if size < self.least or size & 1 or samples > lane.room:
            return False
        self.passed.added(size)
        lane.room -= samples
        lane.last_at = now()
        lane.last_event_size = event.event_id.size
        memcpy(lane.last_event, event.event_id.at, event.event_id.size)
        leg.express.down += 1
        if self.is_positioned:
            # offset, stream, zero, first sample, as `wire.browser.positioned` writes it
            wide = lane.offset + self.passed.count
            memcpy(out, &wide, 8)
            narrow[0] = lane.stream
            narrow[1] = 0
            memcpy(out + 8, narrow, 8)
            wide = start
            memcpy(out + 16, &wide, 8)
            memcpy(out + PLACE_BYTES, pcm, size)
            size += PLACE_BYTES
        else:
            memcpy(out, pcm, size)
        send_under_head(self.to, HF_BINARY, out, size, NULL, self.told(out + size))
        return True

    cdef Py_ssize_t told(self, uint8_t *out) except -1:
        """Write the message that tells what was received, if that is due; answers how long it is."""
        cdef InputFields heard = self.heard
        cdef size_t length
        cdef Py_ssize_t size
        if heard.until - heard.room - heard.told_to < self.tell_every:
            return 0
        told = self.received()
        if told is None:
            return 0
        size = PyBytes_GET_SIZE(told)
        length = hf_write_head(out, HF_TEXT, size, NULL)
        memcpy(out + length, PyBytes_AS_STRING(told), size)
        return length + size


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


cdef bint same(hf_span span, text) except -1:
    """Whether a member is this text; an absent one is the same as none."""
    cdef Py_ssize_t size
    cdef const char *told
    if span.at == NULL or text is None:
        return span.at == NULL and text is None
    told = PyUnicode_AsUTF8AndSize(text, &size)
    return <size_t>size == span.size and memcmp(told, span.at, size) == 0
