# The ways of audio of the browser protocol: PCM goes up in appends, deltas go down as PCM.
#
# What lives here: as in `relay_ways.pxi`, and the words that go with the audio.
# What never will: as there.

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
