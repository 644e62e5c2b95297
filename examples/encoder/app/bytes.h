/* Numbers in files, least significant byte first, on any machine. */
#ifndef BYTES_H
#define BYTES_H
#include <stdint.h>

static inline uint64_t little_endian(const unsigned char *from, int bytes) {
    uint64_t value = 0;
    while (bytes--) value = value << 8 | from[bytes];
    return value;
}

static inline void put_little_endian(unsigned char *to, uint64_t value, int bytes) {
    for (; bytes--; value >>= 8) *to++ = value & 255;
}
#endif
