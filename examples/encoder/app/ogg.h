/* The Ogg container (RFC 3533), as much of it as one stream of small packets needs. */
#ifndef OGG_H
#define OGG_H
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static inline uint64_t little_endian(const unsigned char *from, int bytes) {
    uint64_t value = 0;
    while (bytes--) value = value << 8 | from[bytes];
    return value;
}

static inline void put_little_endian(unsigned char *to, uint64_t value, int bytes) {
    for (; bytes--; value >>= 8) *to++ = value & 255;
}

/* CRC-32 with polynomial 04c11db7, most significant bit first, start 0, as Ogg has it. */
static inline uint32_t ogg_checksum(uint32_t sum, const unsigned char *data, size_t bytes) {
    while (bytes--) {
        sum ^= (uint32_t)*data++ << 24;
        for (int bit = 0; bit < 8; bit++) sum = sum << 1 ^ (sum >> 31 ? 0x04c11db7u : 0);
    }
    return sum;
}

#define OGG_SEGMENTS 255
#define OGG_HEADER 27

struct ogg_page {
    FILE *output;
    uint32_t serial, number;
    uint64_t position; /* of the last packet that ends on this page */
    unsigned segments;
    size_t bytes;
    unsigned char sizes[OGG_SEGMENTS];
    unsigned char data[OGG_SEGMENTS * 255];
};

static inline void ogg_flush(struct ogg_page *page, int last) {
    unsigned char header[OGG_HEADER] = "OggS";
    header[5] = (unsigned char)((page->number == 0 ? 2 : 0) | (last ? 4 : 0));
    put_little_endian(header + 6, page->position, 8);
    put_little_endian(header + 14, page->serial, 4);
    put_little_endian(header + 18, page->number++, 4);
    header[26] = (unsigned char)page->segments;
    uint32_t sum = ogg_checksum(0, header, sizeof header);
    sum = ogg_checksum(sum, page->sizes, page->segments);
    put_little_endian(header + 22, ogg_checksum(sum, page->data, page->bytes), 4);
    fwrite(header, 1, sizeof header, page->output);
    fwrite(page->sizes, 1, page->segments, page->output);
    fwrite(page->data, 1, page->bytes, page->output);
    page->segments = 0;
    page->bytes = 0;
}

/* Adds a packet of at most 4000 bytes; the page before it is written when it does not fit. */
static inline void ogg_packet(struct ogg_page *page, const unsigned char *packet, size_t bytes, uint64_t position) {
    if (page->segments + bytes / 255 + 1 > OGG_SEGMENTS) ogg_flush(page, 0);
    memcpy(page->data + page->bytes, packet, bytes);
    page->bytes += bytes;
    size_t left = bytes;
    for (; left >= 255; left -= 255) page->sizes[page->segments++] = 255;
    page->sizes[page->segments++] = (unsigned char)left;
    page->position = position;
}
#endif
