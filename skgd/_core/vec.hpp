// Vectors of the width of the processor this file is compiled for, and sums of
// products of rows made of them. Every header below is compiled once for each
// architecture, in a namespace of its own (SKGD_ARCH), so that the linker cannot
// mix their functions.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(_MSC_VER) && defined(__AVX2__)
#include <immintrin.h>
#endif

// MSVC takes __restrict for a part of a function's type: a declaration needs it where
// the definition, or an override, has it.
#if defined(_MSC_VER) && !defined(__clang__)
#define SKGD_INLINE __forceinline
#define SKGD_RESTRICT __restrict
#else
#define SKGD_INLINE inline __attribute__((always_inline))
#define SKGD_RESTRICT __restrict__
#endif

namespace skgd::SKGD_ARCH {

#if defined(__AVX512F__)
constexpr int vector_bytes = 64;
#elif defined(__AVX2__)
constexpr int vector_bytes = 32;
#else
constexpr int vector_bytes = 16;
#endif

template <class T>
constexpr int width = vector_bytes / static_cast<int>(sizeof(T));

// A vector of so many bytes, down to a single number.
#if defined(__GNUC__) && !defined(SKGD_NO_VECTOR_EXTENSIONS)

template <class T, int Bytes>
struct PackType {
    typedef T type __attribute__((vector_size(Bytes)));
};

template <class T, int Bytes>
using Pack = typename PackType<T, Bytes>::type;

#else

template <class T, int Bytes>
struct Pack {
    static constexpr int n = Bytes / static_cast<int>(sizeof(T));
    T lane[n];

    SKGD_INLINE T& operator[](int i) { return lane[i]; }
    SKGD_INLINE T operator[](int i) const { return lane[i]; }
    SKGD_INLINE Pack operator+(const Pack& b) const {
        Pack c;
        for (int i = 0; i < n; ++i) c.lane[i] = lane[i] + b.lane[i];
        return c;
    }
    SKGD_INLINE Pack operator-(const Pack& b) const {
        Pack c;
        for (int i = 0; i < n; ++i) c.lane[i] = lane[i] - b.lane[i];
        return c;
    }
    SKGD_INLINE Pack operator*(const Pack& b) const {
        Pack c;
        for (int i = 0; i < n; ++i) c.lane[i] = lane[i] * b.lane[i];
        return c;
    }
    SKGD_INLINE Pack operator*(T b) const {
        Pack c;
        for (int i = 0; i < n; ++i) c.lane[i] = lane[i] * b;
        return c;
    }
    SKGD_INLINE Pack& operator+=(const Pack& b) { return *this = *this + b; }
};

#endif

template <class T, int Bytes>
SKGD_INLINE Pack<T, Bytes> load(const T* p) {
    Pack<T, Bytes> v;
    std::memcpy(&v, p, sizeof v);
    return v;
}

template <class T, int Bytes>
SKGD_INLINE void store(T* p, Pack<T, Bytes> v) {
    std::memcpy(p, &v, sizeof v);
}

// The sum of the lanes, by halves.
template <class T, int Bytes>
SKGD_INLINE T sum(Pack<T, Bytes> v) {
    if constexpr (Bytes == sizeof(T)) {
        return v[0];
    } else {
        Pack<T, Bytes / 2> half[2];
        std::memcpy(half, &v, sizeof v);
        return sum<T, Bytes / 2>(half[0] + half[1]);
    }
}

template <class T>
SKGD_INLINE T dot(const T* a, const T* b, int64_t n) {
    Pack<T, vector_bytes> sums{};
    int64_t i = 0;
    for (; i + width<T> <= n; i += width<T>)
        sums += load<T, vector_bytes>(a + i) * load<T, vector_bytes>(b + i);
    T total = sum<T, vector_bytes>(sums);
    for (; i < n; ++i) total += a[i] * b[i];
    return total;
}

// Zeros in all lanes but the last m.
template <class T, int Bytes>
SKGD_INLINE Pack<T, Bytes> keep_last(Pack<T, Bytes> v, int64_t m) {
    constexpr int n = Bytes / static_cast<int>(sizeof(T));
    for (int i = 0; i < n; ++i) v[i] = i < n - m ? T(0) : v[i];
    return v;
}

// To be called from functions that are always inlined: GCC takes one that only
// prefetches for one without effect and drops its calls.
SKGD_INLINE void prefetch(const void* p) {
#if defined(__GNUC__)
    __builtin_prefetch(p);
#elif defined(_MSC_VER) && defined(__AVX2__)
    _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T0);
#else
    (void)p;
#endif
}

}  // namespace skgd::SKGD_ARCH
