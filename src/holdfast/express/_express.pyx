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

include "system.pxi"


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


include "tls.pxi"
include "leg.pxi"
include "lanes.pxi"
include "relay_ways.pxi"
include "session_ways.pxi"
