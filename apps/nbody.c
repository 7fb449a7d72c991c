/* SPDX-License-Identifier: MIT */
/*
 * nbody.c - the Sun and the four big planets, in doubles.
 *
 * Leapfrog steps of an hour.  Energy is conserved, so the last figure shows
 * whether the arithmetic survived everything that interrupted it.
 */
#include <math.h>
#include <sched.h>
#include <apps/app.h>
#include "arguments.h"

#define BODIES 5
#define HOUR   (1.0 / 24)

/* Astronomical units, days, and masses of the Sun. */
#define GRAVITY 2.9591220828559e-4

struct body {
	double mass;
	double at[3];
	double speed[3];
};

/* On circles, a quarter turn apart, at the right distances and speeds. */
static void bodies_init(struct body *b)
{
	static const double mass[BODIES] = {1, 9.5479e-4, 2.8588e-4, 4.3662e-5,
					    5.1514e-5};
	static const double radius[BODIES] = {0, 5.2044, 9.5826, 19.2184,
					      30.11};
	double drift[2] = {0, 0};

	for (int i = 0; i < BODIES; i++) {
		double v = i ? sqrt(GRAVITY / radius[i]) : 0;
		double x = i % 2 ? 0 : (i % 4 ? -1 : 1);
		double y = i % 2 ? (i % 4 == 1 ? 1 : -1) : 0;

		b[i] = (struct body){
			.mass = mass[i],
			.at = {radius[i] * x, radius[i] * y, 0},
			.speed = {-v * y, v * x, 0},
		};
		drift[0] += b[i].mass * b[i].speed[0];
		drift[1] += b[i].mass * b[i].speed[1];
	}
	b[0].speed[0] = -drift[0];
	b[0].speed[1] = -drift[1];
}

static double distance(const struct body *a, const struct body *b)
{
	double sum = 0;

	for (int k = 0; k < 3; k++)
		sum += (a->at[k] - b->at[k]) * (a->at[k] - b->at[k]);
	return sqrt(sum);
}

static double energy(const struct body *b)
{
	double sum = 0;

	for (int i = 0; i < BODIES; i++) {
		for (int k = 0; k < 3; k++)
			sum += b[i].mass * b[i].speed[k] * b[i].speed[k] / 2;
		for (int j = 0; j < i; j++)
			sum -= GRAVITY * b[i].mass * b[j].mass /
			       distance(&b[i], &b[j]);
	}
	return sum;
}

static void kick(struct body *b, double days)
{
	for (int i = 0; i < BODIES; i++) {
		for (int j = 0; j < i; j++) {
			double r = distance(&b[i], &b[j]);
			double pull = GRAVITY * days / (r * r * r);

			for (int k = 0; k < 3; k++) {
				double d = b[j].at[k] - b[i].at[k];

				b[i].speed[k] += b[j].mass * pull * d;
				b[j].speed[k] -= b[i].mass * pull * d;
			}
		}
	}
}

static void drift(struct body *b, double days)
{
	for (int i = 0; i < BODIES; i++)
		for (int k = 0; k < 3; k++)
			b[i].at[k] += days * b[i].speed[k];
}

APP(nbody, "move the planets, in floating point: nbody [HOURS=10000]")
{
	long hours = argument(argc, argv, 1, 1, 1000000000, 10000);
	struct body b[BODIES];
	double before, after;

	if (hours < 0 || too_many(argc, argv, 1))
		return EXIT_USAGE;
	bodies_init(b);
	before = energy(b);
	for (long i = 0; i < hours; i++) {
		kick(b, HOUR / 2);
		drift(b, HOUR);
		kick(b, HOUR / 2);
		if (i % 1024 == 0)
			sched_yield();
	}
	after = energy(b);
	printf("%ld hours: energy %.12e, was %.12e (off by %.1e)\n", hours,
	       after, before, fabs(after / before - 1));
	return fabs(after / before - 1) < 1e-6 ? 0 : EXIT_FAILURE;
}
