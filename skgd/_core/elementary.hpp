// exp and log1p without branches or calls, so that loops over them become vector
// instructions. Taylor's polynomials after the usual reductions of the argument;
// errors of a few units in the last place.
#pragma once

#include <cstdint>
#include <cstring>

#include "vec.hpp"

namespace skgd::SKGD_ARCH {

template <class T>
struct ExpOf;

template <>
struct ExpOf<double> {
    using Bits = uint64_t;
    static constexpr double least = -708, largest = 709.78;
    // Adding it rounds to an integer, which is then in the lowest bits.
    static constexpr double round = 6755399441055744.0;
    static constexpr double ln2_high = 6.93147180369123816490e-01;
    static constexpr double ln2_low = 1.90821492927058770002e-10;
    static constexpr int mantissa_bits = 52, bias = 1023, n_terms = 14;
};

template <>
struct ExpOf<float> {
    using Bits = uint32_t;
    static constexpr float least = -87, largest = 88.72f;
    static constexpr float round = 12582912.0f;
    static constexpr float ln2_high = 0.693359375f;
    static constexpr float ln2_low = -2.12194440e-4f;
    static constexpr int mantissa_bits = 23, bias = 127, n_terms = 8;
};

// The coefficients from k on, Count of them, by halves: shorter chains than Horner's.
template <int k, int Count, class T, class Coefficient>
SKGD_INLINE T polynomial(const T* powers, const Coefficient& coefficient) {
    if constexpr (Count == 1) {
        return static_cast<T>(coefficient(k));
    } else {
        constexpr int level = Count > 8 ? 3 : Count > 4 ? 2 : Count > 2 ? 1 : 0;
        constexpr int low = 1 << level;
        return polynomial<k, low>(powers, coefficient) +
               powers[level] * polynomial<k + low, Count - low>(powers, coefficient);
    }
}

// sum of coefficient(k) x^k over k < Count <= 16
template <int Count, class T, class Coefficient>
SKGD_INLINE T polynomial(T x, const Coefficient& coefficient) {
    const T x2 = x * x, x4 = x2 * x2;
    const T powers[] = {x, x2, x4, x4 * x4};
    return polynomial<0, Count>(powers, coefficient);
}

// 0 below -708 (float: -87), NaN for NaN, at most exp(709.78) (float: exp(88.72)).
template <class T>
SKGD_INLINE T exp_inline(T x) {
    using E = ExpOf<T>;
    using Bits = typename E::Bits;
    const T y = x > E::largest ? E::largest : x < E::least ? E::least : x;
    const T rounded = y * T(1.4426950408889634) + E::round;
    const T n = rounded - E::round;
    const T r = (y - n * E::ln2_high) - n * E::ln2_low;
    const T p = polynomial<E::n_terms>(r, [](int k) {
        constexpr double factorial[] = {1.,      1.,        2.,         6.,         24.,
                                        120.,    720.,      5040.,      40320.,     362880.,
                                        3628800., 39916800., 479001600., 6227020800.};
        return 1 / factorial[k];
    });
    Bits bits, magic;
    const T magic_number = E::round;
    std::memcpy(&bits, &rounded, sizeof bits);
    std::memcpy(&magic, &magic_number, sizeof magic);
    // In two factors: 2^1024 is not a number, 2^1024 p / 2 may be.
    const Bits power = (bits - magic + (E::bias - 1)) << E::mantissa_bits;
    T half;
    std::memcpy(&half, &power, sizeof half);
    return x < E::least ? T(0) : p * half * 2;
}

// For x in [0, 1]: 2 artanh(x / (2 + x)).
template <class T>
SKGD_INLINE T log1p_inline(T x) {
    const T s = x / (2 + x);
    const T p = polynomial<sizeof(T) == 8 ? 16 : 8>(s * s, [](int k) {
        return 1.0 / (2 * k + 1);
    });
    return 2 * s * p;
}

}  // namespace skgd::SKGD_ARCH
