# What the compiled way asks of C: the kernel's calls, libuv's wait, and the readers in this folder's headers.
#
# What lives here: declarations, bounds, a clock.
# What never will: a decision.

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
