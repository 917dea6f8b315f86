/*
 * prom_math.c - the few functions of numbers that PromQL needs, after Go's own methods
 * (math.Exp, Log, Pow, Mod; the polynomials are fdlibm's), so that answers are
 * Prometheus' to the last bits.  The C
 * library's libm would cost each engine 0.3 MB of memory for them, used or not.
 */
#include "prom_math.h"

#include <math.h>

static const double LN2_HIGH = 6.93147180369123816490e-01, LN2_LOW = 1.90821492927058770002e-10;
static const double LN2 = 0.693147180559945309417232121458176568, LN10 = 2.30258509299404568401799145468436421;

static uint64_t
bits_of(double v)
{
	uint64_t b;

	memcpy(&b, &v, sizeof b);
	return b;
}

static double
of_bits(uint64_t b)
{
	double v;

	memcpy(&v, &b, sizeof v);
	return v;
}

double
prom_trunc(double v)
{
	if (!(fabs(v) < 4503599627370496.0)) /* 2^52: no fraction, or no number */
		return v;
	return copysign((double)(int64_t)v, v);
}

double
prom_floor(double v)
{
	double t = prom_trunc(v);

	return t > v ? t - 1 : t;
}

double
prom_ceil(double v)
{
	double t = prom_trunc(v);

	return t < v ? copysign(t + 1, v) : t;
}

/* v * 2^by; small steps, as one factor reaches only half of all exponents. */
static double
scaled(double v, int64_t by)
{
	for (; by > 1000; by -= 1000) {
		v *= 0x1p1000;
		if (isinf(v) || v == 0)
			return v;
	}
	for (; by < -1000; by += 1000) {
		v *= 0x1p-1000;
		if (v == 0)
			return v;
	}
	return v * of_bits((uint64_t)(by + 1023) << 52);
}

/* v = fraction * 2^exponent, 0.5 <= |fraction| < 1; v is finite and not 0. */
static double
parts_of(double v, int64_t *exponent)
{
	int64_t less = 0;

	if (fabs(v) < 0x1p-1022) {
		v *= 0x1p52;
		less = 52;
	}
	uint64_t b = bits_of(v);
	*exponent = (int64_t)(b >> 52 & 0x7ff) - 1022 - less;
	return of_bits((b & ~(UINT64_C(0x7ff) << 52)) | UINT64_C(1022) << 52);
}

/* The remainder has the sign of a; exact. */
double
prom_mod(double a, double b)
{
	double rest = fabs(a), by = fabs(b), fraction;
	int64_t eb, er;

	if (b == 0 || isinf(a) || isnan(a) || isnan(b))
		return NAN;
	if (isinf(b) || a == 0)
		return a;
	fraction = parts_of(by, &eb);
	while (rest >= by) {
		double f = parts_of(rest, &er);

		rest -= scaled(by, f < fraction ? er - eb - 1 : er - eb);
	}
	return copysign(rest, a);
}

double
prom_exp(double v)
{
	static const double p[] = {1.66666666666666657415e-01, -2.77777777770155933842e-03,
	    6.61375632143793436117e-05, -1.65339022054652515390e-06, 4.13813679705723846039e-08};
	double k, hi, lo, r, t, c;

	if (isnan(v) || v > 7.09782712893383973096e+02)
		return isnan(v) ? v : INFINITY;
	if (v < -7.45133219101941108420e+02)
		return 0;
	if (fabs(v) < 0x1p-28)
		return 1 + v;
	k = prom_trunc(v < 0 ? v / LN2 - 0.5 : v / LN2 + 0.5);
	hi = v - k * LN2_HIGH;
	lo = k * LN2_LOW;
	r = hi - lo;
	t = r * r;
	c = r - t * (p[0] + t * (p[1] + t * (p[2] + t * (p[3] + t * p[4]))));
	return scaled(1 - ((lo - (r * c) / (2 - c)) - hi), (int64_t)k);
}

double
prom_log(double v)
{
	static const double l[] = {6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01,
	    2.222219843214978396e-01, 1.818357216161805012e-01, 1.531383769920937332e-01, 1.479819860511658591e-01};
	double f, s, s2, s4, odd, even, half, k;
	int64_t e;

	if (isnan(v) || (isinf(v) && v > 0))
		return v;
	if (v <= 0)
		return v < 0 ? NAN : -INFINITY;
	f = parts_of(v, &e);
	if (f < 0.70710678118654752440) {
		f *= 2;
		e--;
	}
	f -= 1;
	k = (double)e;
	s = f / (2 + f);
	s2 = s * s;
	s4 = s2 * s2;
	odd = s2 * (l[0] + s4 * (l[2] + s4 * (l[4] + s4 * l[6])));
	even = s4 * (l[1] + s4 * (l[3] + s4 * l[5]));
	half = 0.5 * f * f;
	return k * LN2_HIGH - ((half - (s * (half + odd + even) + k * LN2_LOW)) - f);
}

double
prom_log2(double v)
{
	int64_t e;
	double f;

	if (!(v > 0) || isinf(v))
		return prom_log(v);
	f = parts_of(v, &e);
	return f == 0.5 ? (double)(e - 1) : prom_log(f) * (1 / LN2) + (double)e;
}

double
prom_log10(double v)
{
	return prom_log2(v) * (LN2 / LN10);
}

/* What IEEE 754 says of powers that are none of a finite x above or below 0. */
static bool
special_pow(double x, double y, double *out)
{
	bool whole = prom_trunc(y) == y, odd = whole && fabs(y) < 0x1p53 && prom_mod(y, 2) != 0;

	if (y == 0 || x == 1)
		*out = 1;
	else if (isnan(x) || isnan(y))
		*out = NAN;
	else if (x == 0)
		*out = y < 0 ? (odd ? copysign(INFINITY, x) : INFINITY) : odd ? x : 0;
	else if (isinf(y))
		*out = x == -1 ? 1 : (fabs(x) < 1) == (y > 0) ? 0 : INFINITY;
	else if (isinf(x) && x > 0)
		*out = y > 0 ? INFINITY : 0;
	else if (isinf(x))
		*out = y > 0 ? (odd ? -INFINITY : INFINITY) : odd ? -0.0 : 0;
	else if (x < 0 && !whole)
		*out = NAN;
	else if (y == 0.5 || y == -0.5)
		*out = y > 0 ? sqrt(x) : 1 / sqrt(x);
	else
		return false;
	return true;
}

double
prom_pow(double x, double y)
{
	double out, whole = prom_trunc(fabs(y)), rest = fabs(y) - whole, base;
	int64_t e = 0, eb;

	if (special_pow(x, y, &out))
		return out;
	if (whole >= 0x1p63)
		return x == -1 ? 1 : (fabs(x) < 1) == (y > 0) ? 0 : INFINITY;
	out = 1;
	if (rest > 0.5) {
		rest--;
		whole++;
	}
	if (rest != 0)
		out = prom_exp(rest * prom_log(x));
	base = parts_of(x, &eb);
	for (int64_t i = (int64_t)whole; i != 0; i >>= 1) {
		if (eb < -(1 << 12) || eb > 1 << 12) {
			e += eb; /* beyond all there is: overflow or underflow */
			break;
		}
		if (i & 1) {
			out *= base;
			e += eb;
		}
		base *= base;
		eb *= 2;
		if (base < 0.5) {
			base += base;
			eb--;
		}
	}
	if (y < 0) {
		out = 1 / out;
		e = -e;
	}
	return scaled(out, e);
}
