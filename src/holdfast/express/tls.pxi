# TLS between a socket's bytes and ours (decision 62).
#
# What lives here: records opened and sealed by the session that the transport works with too.
# What never will: sockets, a handshake.

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
