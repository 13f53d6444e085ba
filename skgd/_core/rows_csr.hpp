// Rows of a CSR matrix, whose indices may be 32 or 64 bits wide.
#pragma once

#include <cstdint>

#include "order.hpp"
#include "rows.hpp"

namespace skgd::SKGD_ARCH {

template <class T, class Index>
class RowsCSR final : public Rows<T> {
public:
    RowsCSR(const Array& X, const Array& indices, const Array& indptr, int64_t n,
            int64_t d, int64_t k, bool fit_intercept)
        : Rows<T>(d, k, fit_intercept), data_(static_cast<const T*>(X.data)),
          indices_(static_cast<const Index*>(indices.data)),
          indptr_(static_cast<const Index*>(indptr.data)), n_(n) {}

    struct Row {
        const T* x;
        const Index* j;
        int64_t size;
    };

    SKGD_INLINE Row row(int64_t i) const {
        const int64_t begin = indptr_[i], end = indptr_[i + 1];
        return {data_ + begin, indices_ + begin, end - begin};
    }

    // In stages: the pointer of a row must be there before its elements can be
    // asked for.
    SKGD_INLINE void prefetch_ahead(const int64_t* rows) const {
        prefetch(indptr_ + rows[2 * distance]);
        const Row next = row(rows[distance]);
        const int64_t size = least<int64_t>(next.size, 512);
        const auto bytes = [](const void* p) { return static_cast<const char*>(p); };
        for (int64_t b = 0; b < size * int64_t(sizeof(T)); b += 64)
            prefetch(bytes(next.x) + b);
        for (int64_t b = 0; b < size * int64_t(sizeof(Index)); b += 64)
            prefetch(bytes(next.j) + b);
    }

    void predict(const int64_t* rows, int64_t m, const T* w, T* z) const override {
        for (int64_t i = 0; i < m; ++i) {
            prefetch_ahead(rows + i);
            if (this->k == 1)
                z[i] = dot(row(rows[i]), w);
            else
                product(row(rows[i]), w, z + i * this->k);
        }
        this->add_intercept(m, w, z);
    }

    void accumulate(const int64_t* rows, int64_t m, const T* r, T* g) const override {
        for (int64_t i = 0; i < m; ++i) add_multiple(row(rows[i]), r + i * this->k, g);
        this->accumulate_intercept(m, r, g);
    }

    int64_t rows_in_cache() const override {
        const int64_t mean = n_ ? indptr_[n_] / n_ : 0;
        return this->cache_bytes / (1 + mean * int64_t(sizeof(T) + sizeof(Index)));
    }

    static SKGD_INLINE T dot(const Row& row, const T* SKGD_RESTRICT w) {
        T even = 0, odd = 0;
        int64_t p = 0;
        for (; p + 2 <= row.size; p += 2) {
            even += row.x[p] * w[row.j[p]];
            odd += row.x[p + 1] * w[row.j[p + 1]];
        }
        if (p < row.size) even += row.x[p] * w[row.j[p]];
        return even + odd;
    }

    // z = row · w for all outputs.
    SKGD_INLINE void product(const Row& row, const T* SKGD_RESTRICT w,
                             T* SKGD_RESTRICT z) const {
        const int64_t k = this->k;
        for (int64_t c = 0; c < k; ++c) z[c] = 0;
        for (int64_t p = 0; p < row.size; ++p) {
            const T* wj = w + row.j[p] * k;
            for (int64_t c = 0; c < k; ++c) z[c] += row.x[p] * wj[c];
        }
    }

    // g += row ⊗ r
    SKGD_INLINE void add_multiple(const Row& row, const T* SKGD_RESTRICT r,
                                  T* SKGD_RESTRICT g) const {
        const int64_t k = this->k;
        if (k == 1) {
            const T of = r[0];
            for (int64_t p = 0; p < row.size; ++p) g[row.j[p]] += of * row.x[p];
            return;
        }
        for (int64_t p = 0; p < row.size; ++p) {
            T* gj = g + row.j[p] * k;
            for (int64_t c = 0; c < k; ++c) gj[c] += row.x[p] * r[c];
        }
    }

private:
    static constexpr int64_t distance = 4;

    const T* data_;
    const Index* indices_;
    const Index* indptr_;
    int64_t n_;
};

}  // namespace skgd::SKGD_ARCH
