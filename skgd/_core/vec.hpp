// Vectors of the width of the processor this file is compiled for, and sums of
// products of rows made of them. Every header below is compiled once for each
// architecture, in a namespace of its own (SKGD_ARCH), so that the linker cannot
// mix their functions.
#pragma once

#include <cstdint>
#include <cstring>
#include <utility>

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

#if defined(__has_builtin) && defined(__GNUC__) && !defined(SKGD_NO_VECTOR_EXTENSIONS)
#if __has_builtin(__builtin_shufflevector)
#define SKGD_SHUFFLES
#endif
#endif

#if defined(SKGD_SHUFFLES)

// Of each group of lanes in a and b the half that begins with lane `From`.
template <class T, int Bytes, int Group, int From, size_t... I>
SKGD_INLINE Pack<T, Bytes> halves(Pack<T, Bytes> a, Pack<T, Bytes> b,
                                  std::index_sequence<I...>) {
    constexpr int half = Group / 2;
    return __builtin_shufflevector(
        a, b, static_cast<int>(I / half * Group + I % half + From)...);
}

// The two halves of each group added: groups of half the size.
template <class T, int Bytes, int Group>
SKGD_INLINE Pack<T, Bytes> fold(Pack<T, Bytes> a, Pack<T, Bytes> b) {
    constexpr auto each = std::make_index_sequence<Bytes / sizeof(T)>();
    return halves<T, Bytes, Group, 0>(a, b, each) +
           halves<T, Bytes, Group, Group / 2>(a, b, each);
}

// The sums of the first four groups.
template <class T, int Bytes, int Group>
SKGD_INLINE void sum_groups(Pack<T, Bytes> v, T* z) {
    if constexpr (Group > 1)
        sum_groups<T, Bytes, Group / 2>(fold<T, Bytes, Group>(v, v), z);
    else
        std::memcpy(z, &v, 4 * sizeof(T));
}

#endif

// The sums of R vectors: of four together, which takes half the time, in the same order.
template <class T, int Bytes, int R>
SKGD_INLINE void sums(const Pack<T, Bytes>* v, T* z) {
#if defined(SKGD_SHUFFLES)
    constexpr int n = Bytes / static_cast<int>(sizeof(T));
    if constexpr (R == 4 && n >= 4) {
        const auto first = fold<T, Bytes, n>(v[0], v[1]);
        const auto last = fold<T, Bytes, n>(v[2], v[3]);
        return sum_groups<T, Bytes, n / 4>(fold<T, Bytes, n / 2>(first, last), z);
    }
#endif
    for (int i = 0; i < R; ++i) z[i] = sum<T, Bytes>(v[i]);
}

// The sum of f(i) for i < n, in float64 and as in lanes of a vector.
template <class F>
SKGD_INLINE double sum_over(int64_t n, const F& f) {
    constexpr int lanes = 8;
    double sums[lanes] = {}, total = 0;
    int64_t i = 0;
    for (; i + lanes <= n; i += lanes)
        for (int lane = 0; lane < lanes; ++lane) sums[lane] += f(i + lane);
    for (; i < n; ++i) total += f(i);
    for (int lane = 0; lane < lanes; ++lane) total += sums[lane];
    return total;
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
