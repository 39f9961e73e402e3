import type { GlslFunctions } from './library.ts';

/**
 * Elementary functions to at most 2 units in the last place, wherever they run: GLSL's own are up to thousands of units
 * off, and some are NaN for large arguments.
 *
 * Powers of two are built from bits: a product with a constant may be re-associated by the compiler and overflow. Every
 * function passes NaN on by testing bits, which no compiler optimises away, unlike x != x.
 */
export const math: GlslFunctions = {
  pow2: `float pow2(float k) { return uintBitsToFloat(uint(int(k) + 127) << 23); }`,
  // e^r - 1 for |r| <= ln(2) / 2: its Taylor series.
  expm1Small: `
float expm1Small(float r) {
  return r + r * r * (0.5 + r * (0.16666667 + r * (0.041666668 + r * (0.008333334 + r * (0.0013888889 + r * 0.0001984127)))));
}`,
  // x - k ln(2), with ln(2) in two parts: the product with the first, of 9 bits, is exact.
  reduceExp: `float reduceExp(float x, float k) { return (x - k * 0.693359375) + k * 2.1219444e-4; }`,
  // e^x = 2^k e^r
  exp_: `
float exp_(float x) {
  if (isNaN(x)) return x;
  if (x > 88.72283) return infinity();
  if (x < -87.33655) return 0.0;
  float k = floor(x * 1.442695 + 0.5);
  float y = 1.0 + expm1Small(reduceExp(x, k));
  return k > 127.0 ? (y * 2.0) * pow2(k - 1.0) : y * pow2(k);
}`,
  expm1_: `
float expm1_(float x) {
  if (isNaN(x) || x == 0.0) return x;
  if (x > 88.72283) return infinity();
  if (x < -17.5) return -1.0;
  float k = floor(x * 1.442695 + 0.5);
  float p = expm1Small(reduceExp(x, k));
  if (k == 0.0) return p;
  if (k > 127.0) return ((1.0 + p) * 2.0) * pow2(k - 1.0);
  float s = pow2(k);
  return s * p + (s - 1.0);
}`,
  // log(1 + f) + e ln(2) by the series of atanh in s = f / (2 + f), as in fdlibm's log.
  logParts: `
float logParts(float f, float e) {
  float s = f / (2.0 + f);
  float z = s * s;
  float series = z * (0.6666667 + z * (0.4 + z * (0.2857143 + z * (0.22222222 + z * 0.18181819))));
  float h = 0.5 * f * f;
  return e * 0.693359375 - ((h - (s * (h + series) - e * 2.1219444e-4)) - f);
}`,
  log_: `
float log_(float x) {
  uint w = floatBitsToUint(x);
  if (isNaN(x)) return x;
  // The hardware has flushed subnormal numbers to zero.
  if ((w & 0x7fffffffu) < 0x00800000u) return -infinity();
  if ((w >> 31) == 1u) return quietNaN();
  if (w == 0x7f800000u) return x;
  int e = int(w >> 23) - 127;
  float m = uintBitsToFloat((w & 0x007fffffu) | 0x3f800000u);
  if (m > 1.4142135) { m *= 0.5; e += 1; }
  return logParts(m - 1.0, float(e));
}`,
  log1p_: `
float log1p_(float x) {
  if (isNaN(x)) return x;
  if (x == -1.0) return -infinity();
  if (x < -1.0) return quietNaN();
  return abs(x) < 0.3 ? logParts(x, 0.0) : log_(1.0 + x);
}`,
  // tanh x = (e^2x - 1) / (e^2x + 1)
  tanh_: `
float tanh_(float x) {
  if (isNaN(x)) return x;
  float a = abs(x);
  if (a > 9.5) return x > 0.0 ? 1.0 : -1.0;
  if (a < 2.4e-4) return x;
  float t = expm1_(2.0 * a);
  float r = t / (t + 2.0);
  return x < 0.0 ? -r : r;
}`,
  sigmoid_: `
float sigmoid_(float x) {
  if (isNaN(x)) return x;
  if (x >= 0.0) return 1.0 / (1.0 + exp_(-x));
  float e = exp_(x);
  return e / (1.0 + e);
}`,
  // log(1 + e^z) = max(z, 0) + log(1 + e^-|z|)
  softplus_: `
float softplus_(float x, float beta, float threshold) {
  float z = x * beta;
  if (isNaN(z) || z > threshold) return x;
  return (max(z, 0.0) + log1p_(exp_(-abs(z)))) / beta;
}`,
  // erf(x) / x is a power series in x^2; beyond 1/2, (1 + 2x) e^(x^2) erfc(x) is nearly a polynomial in (x - 2) / (x + 2)
  // (Shepherd & Laframboise 1981). Both are Chebyshev fits. In e^-(x^2), x is split so that the larger square is exact.
  erfSmall: `
float erfSmall(float x) {
  float z = x * x;
  return x * (1.1283791 + z * (-0.37612608 + z * (0.112828344 + z * (-0.026757944 + z * 0.0047195056))));
}`,
  erfcTail: `
float erfcTail(float x) {
  if (x > 10.1) return 0.0;
  float t = (x - 2.0) / (x + 2.0);
  float p = 1.2769784 + t * (-0.09276377 + t * (-0.16603087 + t * (0.1640488 + t * (-0.05421063 + t * (-0.008006137
    + t * (0.008656576 + t * (0.0011475766 + t * (-0.0012622853 + t * -0.00022636475))))))));
  float c = floor(x * 16.0) / 16.0;
  return p / (1.0 + 2.0 * x) * (exp_(-c * c) * exp_(-(x - c) * (x + c)));
}`,
  erf_: `
float erf_(float x) {
  if (isNaN(x)) return x;
  float a = abs(x);
  if (a <= 0.5) return erfSmall(x);
  return x < 0.0 ? erfcTail(a) - 1.0 : 1.0 - erfcTail(a);
}`,
  erfc_: `
float erfc_(float x) {
  if (isNaN(x)) return x;
  float a = abs(x);
  if (a <= 0.5) return 1.0 - erfSmall(x);
  return x < 0.0 ? 2.0 - erfcTail(a) : erfcTail(a);
}`,
  // The normal distribution function, and its approximation by tanh (Hendrycks & Gimpel 2016): 1 + tanh u = 2 sigmoid(2u).
  normalCdf: `float normalCdf(float x) { return 0.5 * erfc_(x * -0.70710677); }`,
  normalSlope: `float normalSlope(float x) { return 0.3989423 * exp_(-0.5 * x * x); }`,
  tanhCdfAt: `float tanhCdfAt(float x) { return 1.5957691 * (x + 0.044715 * x * x * x); }`,
  tanhCdf: `float tanhCdf(float x) { return sigmoid_(tanhCdfAt(x)); }`,
  tanhCdfSlope: `
float tanhCdfSlope(float x) {
  return tanhCdf(x) * sigmoid_(-tanhCdfAt(x)) * 1.5957691 * (1.0 + 0.134145 * x * x);
}`,
  sqrt_: `
float sqrt_(float x) {
  if (isNaN(x) || isZero(x) || x == infinity()) return x;
  return x < 0.0 ? quietNaN() : sqrt(x);
}`,
  sign_: `float sign_(float x) { return isNaN(x) || isZero(x) ? x : x > 0.0 ? 1.0 : -1.0; }`,
  clamp_: `float clamp_(float x, float low, float high) { return isNaN(x) ? x : x > high ? high : x < low ? low : x; }`,
  max_: `float max_(float a, float b) { return isNaN(a) ? a : isNaN(b) ? b : a > b ? a : b; }`,
  min_: `float min_(float a, float b) { return isNaN(a) ? a : isNaN(b) ? b : a < b ? a : b; }`,
  neg_: `float neg_(float x) { return uintBitsToFloat(floatBitsToUint(x) ^ 0x80000000u); }`,
  abs_: `float abs_(float x) { return uintBitsToFloat(floatBitsToUint(x) & 0x7fffffffu); }`,
};
