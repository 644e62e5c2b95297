/* Writes a clip for encoders, of 1280x720, as YUV4MPEG: a pattern that turns and moves, and noise. Argument: frames. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { width = 1280, height = 720, waves = 1024 };

static uint8_t plane[height][width];
static double wave[waves];

static uint32_t noise(void)
{
	static uint32_t state = 1;

	state = state * 1664525 + 1013904223;
	return state >> 28;
}

static double wave_at(double phase)
{
	return wave[(unsigned)(int)floor(phase * waves) % waves];
}

/* Every so many pixels of the picture at a time, in frames. */
static void write_plane(double time, int step, int depth)
{
	double turned_x = cos(time / 90), turned_y = sin(time / 90);

	for (int y = 0; y < height / step; y++) {
		for (int x = 0; x < width / step; x++) {
			double along = (x * turned_x + y * turned_y) * step, across = (y * turned_x - x * turned_y) * step;

			plane[y][x] = 128 + depth * wave_at(along / 61 + time / 24) * wave_at(across / 173 - time / 40) + noise() - 8;
		}
		fwrite(plane[y], 1, width / step, stdout);
	}
}

int main(int argc, char **argv)
{
	int frames = argc > 1 ? atoi(argv[1]) : 0;

	for (int at = 0; at < waves; at++)
		wave[at] = sin(at * 2 * M_PI / waves);
	printf("YUV4MPEG2 W%d H%d F25:1 Ip A1:1 C420jpeg\n", width, height);
	for (int frame = 0; frame < frames; frame++) {
		printf("FRAME\n");
		write_plane(frame, 1, 90);
		write_plane(frame, 2, 50);
		write_plane(frame + 30, 2, 50);
	}
	return ferror(stdout) || fflush(stdout) != 0;
}
