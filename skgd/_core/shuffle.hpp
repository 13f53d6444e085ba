// The order in which an epoch visits the rows, as a function of the seed and the
// number of the epoch. Nothing is stored: any chunk of the order can be computed
// on its own, so an epoch over any number of rows needs memory for one chunk.
//
// Two stages:
// 1. A Feistel network on Z_a x Z_b with ab >= n and cycle walking (J. Black and
//    P. Rogaway, "Ciphers with Arbitrary Finite Domains", 2002) spreads the rows
//    over the chunks.
// 2. Fisher-Yates orders each chunk. With n <= chunk_size this alone makes all
//    orders equally likely.
// The random words are those of SplitMix64 (Steele, Lea and Flood, "Fast splittable
// pseudorandom number generators", 2014); the round function is "lowbias32" of
// C. Wellons's hash-prospector.
#pragma once

#include <cmath>
#include <cstdint>

#include "buffer.hpp"
#include "scalars.hpp"

namespace skgd::SKGD_ARCH {

class Shuffle {
public:
    static constexpr int64_t chunk_size = 4096;

    Shuffle(int64_t n, uint64_t seed, uint64_t epoch)
        : n_(n), key_(mix(mix(seed + golden) + epoch)) {
        a_ = static_cast<uint32_t>(std::sqrt(static_cast<double>(n)));
        while (static_cast<int64_t>(a_) * a_ < n) ++a_;
        a_ = most<uint32_t>(a_, 1);
        b_ = static_cast<uint32_t>((n + a_ - 1) / a_);
        b_ = most<uint32_t>(b_, 1);
        for (int i = 0; i < rounds; ++i) round_key_[i] = static_cast<uint32_t>(word(i));
    }

    // Writes the rows at the positions [start, stop) of the order, which lie within
    // one chunk and begin with it: start is a multiple of chunk_size.
    template <class Index>
    void chunk(int64_t start, int64_t stop, Index* rows) const {
        spread(start, stop, rows);
        for (int64_t end = stop - start; end > 0; end -= block)
            exchange(start, most<int64_t>(0, end - block), end, rows);
    }

private:
    static constexpr int rounds = 6;
    static constexpr int block = 256;
    static constexpr uint64_t golden = 0x9e3779b97f4a7c15;

    static uint64_t mix(uint64_t x) {
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
        x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
        return x ^ (x >> 31);
    }

    uint64_t word(int64_t i) const { return mix(key_ + static_cast<uint64_t>(i + 1) * golden); }

    static uint32_t hash(uint32_t x) {
        x = (x ^ (x >> 16)) * 0x7feb352d;
        x = (x ^ (x >> 15)) * 0x846ca68b;
        return x ^ (x >> 16);
    }

    // The upper half of the product of x and m. If m <= 2^16, 32 bits suffice for it:
    // in vectors those are faster.
    template <bool Small>
    static SKGD_INLINE uint32_t upper_product(uint32_t x, uint32_t m) {
        if (Small) return ((x >> 16) * m + (((x & 0xffff) * m) >> 16)) >> 16;
        return static_cast<uint32_t>((static_cast<uint64_t>(x) * m) >> 32);
    }

    // x plus a number below m that is determined by y and the key, modulo m.
    template <bool Small>
    static SKGD_INLINE uint32_t add(uint32_t x, uint32_t y, uint32_t key, uint32_t m) {
        x += upper_product<Small>(hash(y + key), m);
        return x >= m ? x - m : x;
    }

    template <class Index>
    void spread(int64_t start, int64_t stop, Index* rows) const {
        uint32_t left[block], right[block];
        for (; start < stop; start += block, rows += block) {
            const int m = static_cast<int>(least<int64_t>(block, stop - start));
            split(start, m, left, right);
            encrypt(left, right, m);
            bool all_are_rows = true;
            for (int i = 0; i < m; ++i) {
                const int64_t row = joined(left[i], right[i]);
                all_are_rows &= row < n_;
                rows[i] = static_cast<Index>(row);
            }
            for (int i = 0; !all_are_rows && i < m; ++i)
                while (joined(left[i], right[i]) >= n_) {
                    encrypt(left + i, right + i, 1);
                    rows[i] = static_cast<Index>(joined(left[i], right[i]));
                }
        }
    }

    int64_t joined(uint32_t left, uint32_t right) const {
        return static_cast<int64_t>(right) * a_ + left;
    }

    // The numbers from `start` on, as left + right a.
    void split(int64_t start, int m, uint32_t* left, uint32_t* right) const {
        uint32_t l = static_cast<uint32_t>(start % a_), r = static_cast<uint32_t>(start / a_);
        for (int i = 0; i < m; l = 0, ++r) {
            const int end = static_cast<int>(least<int64_t>(m, i + int64_t{a_} - l));
            for (; i < end; ++i, ++l) {
                left[i] = l;
                right[i] = r;
            }
        }
    }

    // Fisher-Yates of the rows before `end` and not before `begin`, from the last on:
    // each changes places with one that is not after it.
    template <class Index>
    void exchange(int64_t start, int64_t begin, int64_t end, Index* rows) const {
        uint32_t with[block];
        for (int64_t i = begin; i < end; ++i) {
            const uint64_t u = word(rounds + start + i) >> 32;
            with[i - begin] =
                static_cast<uint32_t>((u * static_cast<uint64_t>(i + 1)) >> 32);
        }
        for (int64_t i = end - 1; i >= begin; --i) {
            const uint32_t j = with[i - begin];
            const Index row = rows[i];
            rows[i] = rows[j];
            rows[j] = row;
        }
    }

    void encrypt(uint32_t* left, uint32_t* right, int m) const {
        a_ <= 1 << 16 ? encrypt_in<true>(left, right, m) : encrypt_in<false>(left, right, m);
    }

    template <bool Small>
    SKGD_INLINE void encrypt_in(uint32_t* left, uint32_t* right, int m) const {
        for (int k = 0; k < rounds; k += 2) {
            for (int i = 0; i < m; ++i)
                left[i] = add<Small>(left[i], right[i], round_key_[k], a_);
            for (int i = 0; i < m; ++i)
                right[i] = add<Small>(right[i], left[i], round_key_[k + 1], b_);
        }
    }

    int64_t n_;
    uint64_t key_;
    uint32_t a_, b_;
    uint32_t round_key_[rounds];
};

}  // namespace skgd::SKGD_ARCH
