// The rows in the order in which a pass visits them, a few thousand at a time.
#pragma once

#include <cstdint>

#include "buffer.hpp"
#include "pass.hpp"
#include "scalars.hpp"
#include "shuffle.hpp"

namespace skgd::SKGD_ARCH {

class Order {
public:
    // How many rows may be asked for at once, and how many beyond those are known.
    static constexpr int64_t max_rows = 1024, ahead = 128;

    explicit Order(const Pass& pass)
        : n_(pass.n_samples), shuffled_(pass.shuffle),
          shuffle_(pass.n_samples, pass.seed, pass.epoch),
          window_(least(capacity, pass.n_samples + 2 * ahead)) {}

    // The rows at the positions [start, start + m + ahead); after the end comes the
    // last row again.
    const int64_t* at(int64_t start, int64_t m) {
        if (start < begin_ || start > end_) begin_ = end_ = start - start % chunk;
        const int64_t wanted = start + m + ahead;
        if (wanted > end_ + padding_) {
            discard(start);
            while (end_ < wanted && end_ < n_) extend();
            if (end_ == n_) pad();
        }
        return window_.get() + (start - begin_);
    }

private:
    static constexpr int64_t chunk = Shuffle::chunk_size;
    static constexpr int64_t capacity = 2 * chunk + max_rows + 2 * ahead;

    void discard(int64_t start) {
        const int64_t kept = end_ - start;
        for (int64_t i = 0; i < kept; ++i) window_[i] = window_[start - begin_ + i];
        if (kept >= 0) begin_ = start;
        padding_ = 0;
    }

    void extend() {
        const int64_t stop = least(n_, end_ + chunk - end_ % chunk);
        int64_t* rows = window_.get() + (end_ - begin_);
        const int64_t m = stop - end_;
        if (shuffled_)
            shuffle_.chunk(end_, stop, rows);
        else
            for (int64_t i = 0; i < m; ++i) rows[i] = end_ + i;
        end_ = stop;
    }

    // For good: no more than that is asked for after the end.
    void pad() {
        padding_ = ahead;
        int64_t* end = window_.get() + (end_ - begin_);
        for (int64_t i = 0; i < padding_; ++i) end[i] = end[-1];
    }

    int64_t n_;
    bool shuffled_;
    Shuffle shuffle_;
    Buffer<int64_t> window_;
    int64_t begin_ = 0, end_ = 0, padding_ = 0;
};

}  // namespace skgd::SKGD_ARCH
