/* Says what `frames.h` and `base64.h` make of inputs: each line of standard input is one, as hexadecimal digits after its kind.
 *
 *   e HEX   an event: `-`, or its members as hexadecimal digits (`.` for one that is absent) and the number of others
 *   h HEX   a frame's head: `-`, or head, size, opcode, whole, final, masked
 *   m HEX   four bytes of mask and a payload: the payload under the mask
 *   b HEX   bytes: their base64 as hexadecimal digits
 *   d HEX   base64: its bytes as hexadecimal digits, or `-`
 *
 * Each input lies at the end of memory of its own size, so that a byte read beyond it is seen by the sanitizer.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base64.h"
#include "frames.h"

static void tell_bytes(const uint8_t *at, size_t size) {
    for (size_t i = 0; i < size; i++) printf("%02x", at[i]);
    printf("\n");
}

static void tell(hf_span span) {
    if (!span.at) printf(" .");
    else {
        printf(" =");
        for (size_t i = 0; i < span.size; i++) printf("%02x", (unsigned char)span.at[i]);
    }
}

int main(void) {
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    while ((length = getline(&line, &room, stdin)) > 2) {
        size_t size = (size_t)(length - 3) / 2;
        uint8_t *input = malloc(size ? size : 1);
        for (size_t i = 0; i < size; i++) {
            unsigned byte = 0;
            sscanf(line + 2 + 2 * i, "%2x", &byte);
            input[i] = (uint8_t)byte;
        }
        if (line[0] == 'e') {
            hf_event event;
            if (hf_read_event((const char *)input, size, &event)) {
                printf("+");
                tell(event.type), tell(event.event_id), tell(event.response_id), tell(event.item_id);
                tell(event.audio), tell(event.delta);
                printf(" %lld %d\n", (long long)hf_number(event.count), event.others);
            } else printf("-\n");
        } else if (line[0] == 'h') {
            hf_frame frame;
            if (hf_read_head(input, size, &frame))
                printf("%zu %llu %d %d %d %d\n", frame.head, (unsigned long long)frame.size, frame.opcode,
                       frame.is_whole, frame.is_final, frame.is_masked);
            else printf("-\n");
        } else if (line[0] == 'b') {
            uint8_t *text = malloc(hf_encoded_size(size) + 1);
            hf_encode(text, input, size);
            tell_bytes(text, hf_encoded_size(size));
            free(text);
        } else if (line[0] == 'd') {
            uint8_t *bytes = malloc(size ? size : 1); /* it may write as many as it reads */
            ptrdiff_t count = hf_decode(bytes, input, size);
            if (count < 0) printf("-\n");
            else tell_bytes(bytes, (size_t)count);
            free(bytes);
        } else if (size >= HF_MASK) {
            hf_mask(input + HF_MASK, input + HF_MASK, size - HF_MASK, input);
            tell_bytes(input + HF_MASK, size - HF_MASK);
        }
        free(input);
    }
    free(line);
    return 0;
}
