/* Proves that the encoder works: "proof tone" writes a second of a 440 Hz tone as WAV to standard output,
   "proof check" reads its encoding from standard input, decodes it and looks for the tone. */
#include <math.h>
#include <opus.h>
#include <stdlib.h>

#include "ogg.h"

#define RATE 48000
#define HERTZ 440
#define PI 3.14159265358979323846

static int tone(void) {
    unsigned char wav[44 + RATE * 2] = "RIFF....WAVEfmt ";
    put_little_endian(wav + 4, sizeof wav - 8, 4);
    put_little_endian(wav + 16, 16, 4);
    put_little_endian(wav + 20, 1, 2); /* uncompressed */
    put_little_endian(wav + 22, 1, 2); /* channels */
    put_little_endian(wav + 24, RATE, 4);
    put_little_endian(wav + 28, RATE * 2, 4);
    put_little_endian(wav + 32, 2, 2);
    put_little_endian(wav + 34, 16, 2);
    memcpy(wav + 36, "data", 4);
    put_little_endian(wav + 40, RATE * 2, 4);
    for (int i = 0; i < RATE; i++)
        put_little_endian(wav + 44 + 2 * i, (uint16_t)(int16_t)(16000 * sin(2 * PI * HERTZ * i / RATE)), 2);
    return fwrite(wav, 1, sizeof wav, stdout) != sizeof wav;
}

static void expect(int holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "proof: not a good Opus stream: %s\n", what);
    exit(1);
}

static int check(void) {
    static unsigned char file[1 << 20];
    static opus_int16 sound[RATE * 4];
    size_t bytes = fread(file, 1, sizeof file, stdin), at = 0;
    unsigned pages = 0, packets = 0, samples = 0, skip = 0, last = 0;
    uint64_t position = 0;
    int error;
    OpusDecoder *decoder = opus_decoder_create(RATE, 1, &error);
    expect(!error, "no decoder");
    while (at < bytes) {
        unsigned char *page = file + at;
        expect(!last, "something after the last page");
        expect(at + OGG_HEADER <= bytes && !memcmp(page, "OggS", 5), "no page header");
        unsigned char *sizes = page + OGG_HEADER, *data = sizes + page[26];
        expect(data <= file + bytes, "a cut page");
        uint32_t sum = (uint32_t)little_endian(page + 22, 4);
        size_t length = OGG_HEADER + page[26];
        for (unsigned i = 0; i < page[26]; i++) length += sizes[i];
        expect(at + length <= bytes, "a cut page");
        put_little_endian(page + 22, 0, 4);
        expect(ogg_checksum(0, page, length) == sum, "a wrong checksum");
        expect(little_endian(page + 18, 4) == pages++, "a missing page");
        position = little_endian(page + 6, 8);
        last = page[5] & 4;
        for (unsigned i = 0, size = 0; i < page[26]; i++) {
            size += sizes[i];
            if (sizes[i] == 255) continue;
            if (packets == 0) {
                expect(size == 19 && !memcmp(data, "OpusHead\1\1", 10), "no OpusHead");
                skip = (unsigned)little_endian(data + 10, 2);
            } else if (packets == 1) {
                expect(size > 8 && !memcmp(data, "OpusTags", 8), "no OpusTags");
            } else {
                expect(samples + RATE < sizeof sound / sizeof *sound, "too much sound");
                int got = opus_decode(decoder, data, (opus_int32)size, sound + samples, RATE, 0);
                expect(got > 0, "a packet that cannot be decoded");
                samples += (unsigned)got;
            }
            packets++;
            data += size;
            size = 0;
        }
        at += length;
    }
    expect(last, "no last page");
    expect(position == RATE + skip && samples >= position, "not one second long");
    double sine = 0, cosine = 0, energy = 0;
    for (unsigned i = skip; i < skip + RATE; i++) {
        double angle = 2 * PI * HERTZ * (i - skip) / RATE;
        sine += sound[i] * sin(angle);
        cosine += sound[i] * cos(angle);
        energy += (double)sound[i] * sound[i];
    }
    double share = energy > 0 ? 2 * (sine * sine + cosine * cosine) / RATE / energy : 0;
    double loudness = sqrt(energy / RATE);
    printf("%zu bytes, %u packets, %.1f %% of the sound is the %d Hz tone\n", bytes, packets - 2, 100 * share, HERTZ);
    expect(share > 0.95 && loudness > 9000, "the tone is not in it");
    return 0;
}

int main(int count, char **arguments) {
    if (count == 2 && !strcmp(arguments[1], "tone")) return tone();
    if (count == 2 && !strcmp(arguments[1], "check")) return check();
    fputs("usage: proof tone|check\n", stderr);
    return 2;
}
