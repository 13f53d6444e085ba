// Functions of one or two numbers that loops over them turn into vector instructions.
#pragma once

#include <limits>

#include "vec.hpp"

namespace skgd::SKGD_ARCH {

template <class T>
SKGD_INLINE T least(T a, T b) {
    return b < a ? b : a;
}

template <class T>
SKGD_INLINE T most(T a, T b) {
    return a < b ? b : a;
}

// Overflow becomes the largest finite number, NaN stays NaN.
template <class T>
SKGD_INLINE T saturate(T x) {
    constexpr T limit = std::numeric_limits<T>::max();
    x = x > limit ? limit : x;
    return x < -limit ? -limit : x;
}

template <class T>
SKGD_INLINE T sign(T x) {
    return static_cast<T>((x > 0) - (x < 0));
}

// NaN if x is NaN, as np.maximum and np.minimum.
template <class T>
SKGD_INLINE T at_least(T x, T low) {
    return x < low ? low : x;
}

template <class T>
SKGD_INLINE T at_most(T x, T high) {
    return x > high ? high : x;
}

}  // namespace skgd::SKGD_ARCH
