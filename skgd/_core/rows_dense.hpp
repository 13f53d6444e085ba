// Rows of an array in C order. Four rows at a time share the loads of w and g, and
// the rows that come later are prefetched: the order is random, so the processor
// cannot guess them.
#pragma once

#include <cstdint>
#include <type_traits>

#include "order.hpp"
#include "rows.hpp"
#include "scalars.hpp"

namespace skgd::SKGD_ARCH {

// Some rows. `columns` reads a vector of each, from column j on; once all columns have
// been read the rows are at `row`.
template <class T, int R>
struct Stored {
    const T* x[R];

    template <int Bytes>
    SKGD_INLINE void columns(int64_t j, Pack<T, Bytes>* v) const {
        for (int i = 0; i < R; ++i) v[i] = load<T, Bytes>(x[i] + j);
    }
    const T* row(int i) const { return x[i]; }
};

template <class T>
class RowsDense final : public Rows<T> {
public:
    // `stride` elements from row to row.
    RowsDense(const T* data, int64_t stride, int64_t d, int64_t k, bool fit_intercept,
              int64_t batch_size)
        : Rows<T>(d, k, fit_intercept), data_(data), stride_(stride) {
        const int64_t row_bytes = most<int64_t>(1, d * static_cast<int64_t>(sizeof(T)));
        block_ = most<int64_t>(1, least(batch_size, this->rows_in_cache(row_bytes)));
        next_ = most<int64_t>(4, least(most_next, 10240 / row_bytes));
        next_block_ = (next_ + block_ - 1) / block_ * block_;
        prefetched_ = least<int64_t>(row_bytes, 4096);
        // Predicting takes a little longer than accumulating.
        first_part_ = (prefetched_ * 5 / 8 + 32) / 64 * 64;
    }

    const T* row(int64_t i) const { return data_ + i * stride_; }

    // Rows that come later: of each the bytes from `first` to before `stop`, in lines of
    // the cache. As rows begin anywhere in a line, the last byte is in a line more; where
    // it is does not change the number of prefetches, which the processor thus knows.
    struct Later {
        const T* data;
        const int64_t* rows;
        int64_t stride, last_byte, first, stop;

        // The n rows from the i-th on.
        SKGD_INLINE void prefetch(int64_t i, int64_t n) const {
            for (int64_t p = i; p < i + n; ++p) {
                const char* begin = reinterpret_cast<const char*>(data + rows[p] * stride);
                for (int64_t b = first; b < stop; b += 64)
                    SKGD_ARCH::prefetch(begin + least(b, last_byte));
            }
        }
        // What there is to do while the columns [j, end) of d are worked on.
        Later share(int64_t j, int64_t end, int64_t d) const {
            const auto at = [&](int64_t column) {
                return column < d ? first + (stop - first) * column / d / 64 * 64 : stop;
            };
            return {data, rows, stride, last_byte, at(j), at(end)};
        }
    };

    // The rows after so many others.
    SKGD_INLINE Later next(const int64_t* rows) const {
        return later(rows + next_, 0, all_lines());
    }
    // The rows a whole number of blocks later, at least as many: whole, or the first
    // part where `rest_of_next_block` follows.
    SKGD_INLINE Later next_block(const int64_t* rows, bool rest_follows) const {
        return later(rows + next_block_, 0, rest_follows ? first_part_ : all_lines());
    }
    SKGD_INLINE Later rest_of_next_block(const int64_t* rows) const {
        return later(rows + next_block_, first_part_, all_lines());
    }

    template <int R>
    SKGD_INLINE Stored<T, R> some(const int64_t* rows) const {
        Stored<T, R> some;
        for (int i = 0; i < R; ++i) some.x[i] = row(rows[i]);
        return some;
    }

    void predict(const int64_t* rows, int64_t m, const T* w, T* z,
                 bool accumulate_follows) const override {
        const Later later = next_block(rows, accumulate_follows);
        if (this->k > 1) return predict_all(rows, m, w, z, &later);
        dots(m, w, z, [&](auto r, int64_t i) {
            later.prefetch(i, r);
            return some<r>(rows + i);
        });
        this->add_intercept(m, w, z);
    }

    // For several outputs.
    void predict_all(const int64_t* rows, int64_t m, const T* w, T* z,
                     const Later* later) const {
        by_four(m, [&](auto r, int64_t i) {
            if (later) later->prefetch(i, r);
            predict_rows<r>(some<r>(rows + i).x, w, z + i * this->k);
        });
        this->add_intercept(m, w, z);
    }

    void accumulate(const int64_t* rows, int64_t m, const T* r, T* g) const override {
        accumulate(rows, m, r, g, rest_of_next_block(rows));
    }

    void accumulate(const int64_t* rows, int64_t m, const T* r, T* g,
                    const Later& later) const {
        this->accumulate_intercept(m, r, g);
        if (this->k == 1) return add_multiples(rows, m, r, g, later);
        by_four(m, [&](auto n, int64_t i) {
            later.prefetch(i, n);
            accumulate_rows<n>(some<n>(rows + i).x, r + i * this->k, g);
        });
    }

    int64_t block_size() const override { return block_; }

    // Calls f with the number of rows that come together and that of the rows before.
    template <class F>
    static SKGD_INLINE void by_four(int64_t m, const F& f) {
        int64_t i = 0;
        for (; i + 4 <= m; i += 4) f(std::integral_constant<int, 4>(), i);
        for (; i < m; ++i) f(std::integral_constant<int, 1>(), i);
    }

    // z = x w for one output of m rows, which `source` has. The widest vectors that fit
    // into a row: where they do not divide it, the last one overlaps the one before,
    // with zeros for what has been counted. A masked load would touch the memory behind
    // the row, which is not in the cache.
    template <int Bytes = vector_bytes, class F>
    SKGD_INLINE void dots(int64_t m, const T* w, T* z, const F& source) const {
        constexpr int W = Bytes / static_cast<int>(sizeof(T));
        if constexpr (W > 1) {
            if (this->d < W) return dots<Bytes / 2>(m, w, z, source);
        }
        const int64_t last = this->d - W, rest = this->d % W;
        Pack<T, Bytes> w_last{};
        if (rest) w_last = keep_last<T, Bytes>(load<T, Bytes>(w + last), rest);
        by_four(m, [&](auto r, int64_t i) {
            const auto x = source(r, i);
            Pack<T, Bytes> total[r], v[r];
            for (int a = 0; a < r; ++a) total[a] = Pack<T, Bytes>{};
            for (int64_t j = 0; j <= last; j += W) {
                const auto wj = load<T, Bytes>(w + j);
                x.template columns<Bytes>(j, v);
                for (int a = 0; a < r; ++a) total[a] += v[a] * wj;
            }
            if (rest) {
                x.template columns<Bytes>(last, v);
                for (int a = 0; a < r; ++a) total[a] += v[a] * w_last;
            }
            sums<T, Bytes, r>(total, z + i);
        });
    }

private:
    static constexpr int W = width<T>;
    static constexpr int64_t most_next = 60;
    static_assert(Rows<T>::max_block <= Order::ahead && 2 * most_next <= Order::ahead,
                  "the order of the rows that are prefetched must be known");

    int64_t all_lines() const { return prefetched_ + 63; }

    SKGD_INLINE Later later(const int64_t* rows, int64_t first, int64_t stop) const {
        return {data_, rows, stride_, prefetched_ - 1, first, stop};
    }

    template <int R>
    void predict_rows(const T* const* x, const T* w, T* z) const {
        int64_t c = 0;
        for (; c + 2 * W <= this->k; c += 2 * W) products<R, 2, vector_bytes>(x, w, z, c);
        products_from<R, vector_bytes>(x, w, z, c);
    }

    // The outputs from c on, in vectors that become narrower with what is left.
    template <int R, int Bytes>
    SKGD_INLINE void products_from(const T* const* x, const T* w, T* z, int64_t c) const {
        constexpr int W = Bytes / static_cast<int>(sizeof(T));
        for (; c + W <= this->k; c += W) products<R, 1, Bytes>(x, w, z, c);
        if constexpr (W > 1) products_from<R, Bytes / 2>(x, w, z, c);
    }

    // V vectors of outputs from c on.
    template <int R, int V, int Bytes>
    SKGD_INLINE void products(const T* const* x, const T* w, T* z, int64_t c) const {
        constexpr int W = Bytes / static_cast<int>(sizeof(T));
        Pack<T, Bytes> sums[R][V];
        for (int i = 0; i < R; ++i)
            for (int v = 0; v < V; ++v) sums[i][v] = Pack<T, Bytes>{};
        const T* wj = w + c;
        for (int64_t j = 0; j < this->d; ++j, wj += this->k)
            for (int v = 0; v < V; ++v) {
                const auto part = load<T, Bytes>(wj + v * W);
                for (int i = 0; i < R; ++i) sums[i][v] += part * x[i][j];
            }
        for (int i = 0; i < R; ++i)
            for (int v = 0; v < V; ++v)
                store<T, Bytes>(z + i * this->k + c + v * W, sums[i][v]);
    }

    template <int R>
    void accumulate_rows(const T* const* x, const T* r, T* g) const {
        int64_t c = 0;
        for (; c + 2 * W <= this->k; c += 2 * W) outer<R, 2, vector_bytes>(x, r, g, c);
        outer_from<R, vector_bytes>(x, r, g, c);
    }

    template <int R, int Bytes>
    SKGD_INLINE void outer_from(const T* const* x, const T* r, T* g, int64_t c) const {
        constexpr int W = Bytes / static_cast<int>(sizeof(T));
        for (; c + W <= this->k; c += W) outer<R, 1, Bytes>(x, r, g, c);
        if constexpr (W > 1) outer_from<R, Bytes / 2>(x, r, g, c);
    }

    template <int R, int V, int Bytes>
    SKGD_INLINE void outer(const T* const* x, const T* r, T* g, int64_t c) const {
        constexpr int W = Bytes / static_cast<int>(sizeof(T));
        Pack<T, Bytes> of[R][V];
        for (int i = 0; i < R; ++i)
            for (int v = 0; v < V; ++v)
                of[i][v] = load<T, Bytes>(r + i * this->k + c + v * W);
        T* gj = g + c;
        for (int64_t j = 0; j < this->d; ++j, gj += this->k)
            for (int v = 0; v < V; ++v) {
                auto sums = load<T, Bytes>(gj + v * W);
                for (int i = 0; i < R; ++i) sums += of[i][v] * x[i][j];
                store<T, Bytes>(gj + v * W, sums);
            }
    }

    // g += sum of r_i x_i for one output: some columns at a time, whose sums stay in
    // registers over all rows.
    template <int Bytes = vector_bytes>
    void add_multiples(const int64_t* rows, int64_t m, const T* r, T* g,
                       const Later& later) const {
        constexpr int W = Bytes / static_cast<int>(sizeof(T));
        if constexpr (W > 1) {
            if (this->d < W) return add_multiples<Bytes / 2>(rows, m, r, g, later);
        }
        const int64_t d = this->d;
        int64_t j = 0;
        for (; j + 8 * W <= d; j += 8 * W) add_columns<8, Bytes>(rows, m, r, g, j, later);
        switch ((d - j + W - 1) / W) {
            case 8: return add_columns<8, Bytes>(rows, m, r, g, j, later);
            case 7: return add_columns<7, Bytes>(rows, m, r, g, j, later);
            case 6: return add_columns<6, Bytes>(rows, m, r, g, j, later);
            case 5: return add_columns<5, Bytes>(rows, m, r, g, j, later);
            case 4: return add_columns<4, Bytes>(rows, m, r, g, j, later);
            case 3: return add_columns<3, Bytes>(rows, m, r, g, j, later);
            case 2: return add_columns<2, Bytes>(rows, m, r, g, j, later);
            case 1: return add_columns<1, Bytes>(rows, m, r, g, j, later);
        }
    }

    // The V vectors from column j; the last may begin earlier, so as to end with the
    // row, and then counts only what the others do not.
    template <int V, int Bytes>
    void add_columns(const int64_t* rows, int64_t m, const T* r, T* g, int64_t j,
                     const Later& later) const {
        constexpr int W = Bytes / static_cast<int>(sizeof(T));
        const int64_t last = least(j + (V - 1) * W, this->d - W);
        const Later share = later.share(j, least(j + V * W, this->d), this->d);
        Pack<T, Bytes> sums[V];
        for (int v = 0; v < V; ++v) sums[v] = Pack<T, Bytes>{};
        for (int64_t i = 0; i < m; ++i) {
            share.prefetch(i, 1);
            const T* x = row(rows[i]);
            for (int v = 0; v < V - 1; ++v) sums[v] += load<T, Bytes>(x + j + v * W) * r[i];
            sums[V - 1] += load<T, Bytes>(x + last) * r[i];
        }
        sums[V - 1] = keep_last<T, Bytes>(sums[V - 1], last + W - j - (V - 1) * W);
        for (int v = 0; v < V; ++v) {
            T* gj = g + (v < V - 1 ? j + v * W : last);
            store<T, Bytes>(gj, load<T, Bytes>(gj) + sums[v]);
        }
    }

    const T* data_;
    int64_t stride_;
    int64_t block_, next_, next_block_, prefetched_, first_part_;
};

}  // namespace skgd::SKGD_ARCH
