// What the pass asks of the data: products of a batch of rows with the weights, and
// of the rows' coefficients with the rows.
#pragma once

#include <cstdint>

#include "buffer.hpp"
#include "scalars.hpp"

namespace skgd::SKGD_ARCH {

template <class T>
class Rows {
public:
    Rows(int64_t d, int64_t k, bool fit_intercept)
        : d(d), k(k), fit_intercept(fit_intercept) {}
    virtual ~Rows() {}

    // z = X[rows] w, plus the intercept. More rows than m are known (Order::ahead);
    // they come next. Where `accumulate` follows, it may prefetch a part of them:
    // otherwise the memory would be idle meanwhile.
    virtual void predict(const int64_t* rows, int64_t m, const T* w, T* z,
                         bool accumulate_follows) const = 0;
    // To be called before `accumulate`, unless the last rows predicted are the same.
    virtual void read(const int64_t*, int64_t) const {}
    // g += X[rows]' r, and the intercept's sum.
    virtual void accumulate(const int64_t* rows, int64_t m, const T* r, T* g) const = 0;
    // As many rows as stay in the cache between their two products.
    virtual int64_t block_size() const = 0;

    const int64_t d, k;
    const bool fit_intercept;

protected:
    static constexpr int64_t max_block = 128;

    static int64_t rows_in_cache(int64_t row_bytes) {
        constexpr int64_t cache_bytes = 24 * 1024;
        const int64_t in_cache = cache_bytes / (1 + row_bytes) & ~int64_t{3};
        return most<int64_t>(4, least(max_block, in_cache));
    }

    void add_intercept(int64_t m, const T* w, T* z) const {
        if (!fit_intercept) return;
        const T* b = w + d * k;
        for (int64_t i = 0; i < m; ++i)
            for (int64_t c = 0; c < k; ++c) z[i * k + c] += b[c];
    }

    void accumulate_intercept(int64_t m, const T* r, T* g) const {
        if (!fit_intercept) return;
        for (int64_t c = 0; c < k; ++c) {
            T total = 0;
            for (int64_t i = 0; i < m; ++i) total += r[i * k + c];
            g[d * k + c] += total;
        }
    }
};

}  // namespace skgd::SKGD_ARCH
