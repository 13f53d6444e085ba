// Rows of a CSR matrix, whose indices may be 32 or 64 bits wide.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "order.hpp"
#include "rows.hpp"
#include "scalars.hpp"

namespace skgd::SKGD_ARCH {

template <class T, class Index>
class RowsCSR final : public Rows<T> {
public:
    RowsCSR(const Array& X, const Array& indices, const Array& indptr, int64_t n,
            int64_t d, int64_t k, bool fit_intercept, const Units& units)
        : Rows<T>(d, k, fit_intercept), data_(static_cast<const T*>(X.data)),
          indices_(static_cast<const Index*>(indices.data)),
          indptr_(static_cast<const Index*>(indptr.data)), n_(n),
          center_(static_cast<const T*>(units.center)),
          inverse_scale_(static_cast<const T*>(units.inverse_scale)) {
        if (center_) list_centered();
    }

    struct Row {
        const T* x;
        const Index* j;
        int64_t size;
    };

    // Good until the next row is asked for.
    SKGD_INLINE Row row(int64_t i) const {
        return center_ ? standardized(stored(i)) : stored(i);
    }

    static SKGD_INLINE bool is_increasing(const Row& row) {
        bool result = true;
        for (int64_t p = 1; p < row.size; ++p) result &= row.j[p - 1] < row.j[p];
        return result;
    }

    // In stages: the pointer of a row must be there before its elements can be
    // asked for.
    SKGD_INLINE void prefetch_ahead(const int64_t* rows) const {
        prefetch(indptr_ + rows[2 * distance]);
        const Row next = stored(rows[distance]);
        const int64_t size = least<int64_t>(next.size, 512);
        const auto bytes = [](const void* p) { return static_cast<const char*>(p); };
        for (int64_t b = 0; b < size * int64_t(sizeof(T)); b += 64)
            prefetch(bytes(next.x) + b);
        for (int64_t b = 0; b < size * int64_t(sizeof(Index)); b += 64)
            prefetch(bytes(next.j) + b);
    }

    void predict(const int64_t* rows, int64_t m, const T* w, T* z, bool) const override {
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

    int64_t block_size() const override {
        const int64_t mean = n_ ? indptr_[n_] / n_ : 0;
        return this->rows_in_cache(mean * int64_t(sizeof(T) + sizeof(Index)));
    }

    static SKGD_INLINE T dot(const Row& row, const T* SKGD_RESTRICT w) {
        T sums[4] = {};
        int64_t p = 0;
        for (; p + 4 <= row.size; p += 4)
            for (int64_t q = 0; q < 4; ++q) sums[q] += row.x[p + q] * w[row.j[p + q]];
        for (; p < row.size; ++p) sums[0] += row.x[p] * w[row.j[p]];
        return (sums[0] + sums[1]) + (sums[2] + sums[3]);
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

    struct Entry {
        Index j;
        T x;
    };

    SKGD_INLINE Row stored(int64_t i) const {
        const int64_t begin = indptr_[i], end = indptr_[i + 1];
        return {data_ + begin, indices_ + begin, end - begin};
    }

    // Ends with a column that none is behind.
    void list_centered() {
        for (int64_t j = 0; j < this->d; ++j) n_centered_ += center_[j] != 0;
        centered_ = Buffer<Index>(n_centered_ + 1);
        Index* next = centered_.get();
        for (int64_t j = 0; j < this->d; ++j)
            if (center_[j] != 0) *next++ = static_cast<Index>(j);
        *next = std::numeric_limits<Index>::max();
    }

    Row standardized(const Row& row) const {
        if (n_centered_) return centered(is_increasing(row) ? row : sorted(row));
        T* x = x_.get(row.size);
        for (int64_t p = 0; p < row.size; ++p)
            x[p] = row.x[p] * inverse_scale_[row.j[p]];
        return {x, row.j, row.size};
    }

    // With the centred columns that the row lacks.
    Row centered(const Row& row) const {
        T* x = x_.get(row.size + n_centered_);
        Index* j = j_.get(row.size + n_centered_);
        const Index* next = centered_.get();
        int64_t size = 0;
        const auto add = [&](Index column, T value) {
            x[size] = value * inverse_scale_[column];
            j[size++] = column;
        };
        for (int64_t p = 0; p < row.size; ++p) {
            const Index column = row.j[p];
            for (; *next < column; ++next) add(*next, -center_[*next]);
            if (*next == column)
                add(*next++, row.x[p] - center_[column]);
            else
                add(column, row.x[p]);
        }
        const Index* end = centered_.get() + n_centered_;
        for (; next < end; ++next) add(*next, -center_[*next]);
        return {x, j, size};
    }

    // With every column once.
    Row sorted(const Row& row) const {
        Entry* entries = entries_.get(row.size);
        T* x = sorted_x_.get(row.size);
        Index* j = sorted_j_.get(row.size);
        for (int64_t p = 0; p < row.size; ++p) entries[p] = {row.j[p], row.x[p]};
        std::sort(entries, entries + row.size,
                  [](const Entry& a, const Entry& b) { return a.j < b.j; });
        int64_t size = 0;
        for (int64_t p = 0; p < row.size; ++p) {
            if (p == 0 || entries[p].j != entries[p - 1].j) {
                x[size] = 0;
                j[size++] = entries[p].j;
            }
            x[size - 1] += entries[p].x;
        }
        return {x, j, size};
    }

    const T* data_;
    const Index* indices_;
    const Index* indptr_;
    int64_t n_;
    const T *center_, *inverse_scale_;
    Buffer<Index> centered_;
    int64_t n_centered_ = 0;
    Scratch<T> x_, sorted_x_;
    Scratch<Index> j_, sorted_j_;
    Scratch<Entry> entries_;
};

}  // namespace skgd::SKGD_ARCH
