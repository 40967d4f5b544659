# The ways of audio behind `/v1/realtime`: originals pass.
#
# What lives here: which frame is usual, where it is booked, what goes on.
# What never will: a frame that is taken half: whoever answers that it is not taken has changed nothing.

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
