// Rows of an array in C order. Four rows at a time share the loads of w and g, and
// the rows that come later are prefetched: the order is random, so the processor
// cannot guess them.
#pragma once

#include <cstdint>

#include "order.hpp"
#include "rows.hpp"

namespace skgd::SKGD_ARCH {

// Some rows. `columns` reads a vector of each, from column j on; once all columns have
// been read the rows are at `row`.
template <class T, int R>
struct Stored {
    static constexpr int n_rows = R;
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
    RowsDense(const T* data, int64_t stride, int64_t d, int64_t k, bool fit_intercept)
        : Rows<T>(d, k, fit_intercept), data_(data), stride_(stride) {
        const int64_t row_bytes = most<int64_t>(1, d * static_cast<int64_t>(sizeof(T)));
        distance_ = most<int64_t>(4, least<int64_t>(Order::ahead - 4, 10240 / row_bytes));
        prefetched_ = least<int64_t>(row_bytes, 4096);
    }

    const T* row(int64_t i) const { return data_ + i * stride_; }

    SKGD_INLINE void prefetch_ahead(const int64_t* rows) const {
        const char* begin = reinterpret_cast<const char*>(row(rows[distance_]));
        for (int64_t b = 0; b < prefetched_; b += 64) prefetch(begin + b);
        prefetch(begin + prefetched_ - 1);
    }

    // R rows, with a prefetch of later ones.
    template <int R>
    SKGD_INLINE Stored<T, R> some(const int64_t* rows) const {
        Stored<T, R> some;
        for (int i = 0; i < R; ++i) {
            prefetch_ahead(rows + i);
            some.x[i] = row(rows[i]);
        }
        return some;
    }

    void predict(const int64_t* rows, int64_t m, const T* w, T* z) const override {
        predict<true>(rows, m, w, z);
    }

    // Rows that are in the cache need no prefetch.
    template <bool Prefetch>
    SKGD_INLINE void predict(const int64_t* rows, int64_t m, const T* w, T* z) const {
        int64_t i = 0;
        for (; i + 4 <= m; i += 4) {
            for (int64_t j = i; Prefetch && j < i + 4; ++j) prefetch_ahead(rows + j);
            predict_rows<4>(rows + i, w, z + i * this->k);
        }
        for (; i < m; ++i) {
            if (Prefetch) prefetch_ahead(rows + i);
            predict_rows<1>(rows + i, w, z + i * this->k);
        }
        this->add_intercept(m, w, z);
    }

    void accumulate(const int64_t* rows, int64_t m, const T* r, T* g) const override {
        this->accumulate_intercept(m, r, g);
        if (this->k == 1) return add_multiples(rows, m, r, g);
        int64_t i = 0;
        for (; i + 4 <= m; i += 4) accumulate_rows<4>(rows + i, r + i * this->k, g);
        for (; i < m; ++i) accumulate_rows<1>(rows + i, r + i * this->k, g);
    }

    int64_t block_size() const override {
        return this->rows_in_cache(this->d * static_cast<int64_t>(sizeof(T)));
    }

    // z = x w for one output. The widest vectors that fit into a row: where they do not
    // divide it, the last one overlaps the one before, with zeros for what has been
    // counted. A masked load would touch the memory behind the row, which is not in the
    // cache.
    template <int Bytes = vector_bytes, class Source>
    SKGD_INLINE void dots(const Source& x, const T* w, T* z) const {
        constexpr int R = Source::n_rows;
        constexpr int W = Bytes / static_cast<int>(sizeof(T));
        if constexpr (W > 1) {
            if (this->d < W) return dots<Bytes / 2>(x, w, z);
        }
        Pack<T, Bytes> sums[R], v[R];
        for (int i = 0; i < R; ++i) sums[i] = Pack<T, Bytes>{};
        int64_t j = 0;
        for (; j + W <= this->d; j += W) {
            const auto wj = load<T, Bytes>(w + j);
            x.template columns<Bytes>(j, v);
            for (int i = 0; i < R; ++i) sums[i] += v[i] * wj;
        }
        if (j < this->d) {
            const int64_t last = this->d - W;
            const auto wj = keep_last<T, Bytes>(load<T, Bytes>(w + last), this->d - j);
            x.template columns<Bytes>(last, v);
            for (int i = 0; i < R; ++i) sums[i] += v[i] * wj;
        }
        for (int i = 0; i < R; ++i) z[i] = sum<T, Bytes>(sums[i]);
    }

private:
    static constexpr int W = width<T>;

    template <int R>
    void predict_rows(const int64_t* rows, const T* w, T* z) const {
        Stored<T, R> stored;
        const T** x = stored.x;
        for (int i = 0; i < R; ++i) x[i] = row(rows[i]);
        if (this->k == 1) return dots(stored, w, z);
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
    void accumulate_rows(const int64_t* rows, const T* r, T* g) const {
        const T* x[R];
        for (int i = 0; i < R; ++i) x[i] = row(rows[i]);
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
    void add_multiples(const int64_t* rows, int64_t m, const T* r, T* g) const {
        constexpr int W = Bytes / static_cast<int>(sizeof(T));
        if constexpr (W > 1) {
            if (this->d < W) return add_multiples<Bytes / 2>(rows, m, r, g);
        }
        const int64_t d = this->d;
        int64_t j = 0;
        for (; j + 8 * W <= d; j += 8 * W) add_columns<8, Bytes>(rows, m, r, g, j, d);
        switch ((d - j + W - 1) / W) {
            case 8: return add_columns<8, Bytes>(rows, m, r, g, j, d);
            case 7: return add_columns<7, Bytes>(rows, m, r, g, j, d);
            case 6: return add_columns<6, Bytes>(rows, m, r, g, j, d);
            case 5: return add_columns<5, Bytes>(rows, m, r, g, j, d);
            case 4: return add_columns<4, Bytes>(rows, m, r, g, j, d);
            case 3: return add_columns<3, Bytes>(rows, m, r, g, j, d);
            case 2: return add_columns<2, Bytes>(rows, m, r, g, j, d);
            case 1: return add_columns<1, Bytes>(rows, m, r, g, j, d);
        }
    }

    // The V vectors from column j; the last may begin earlier, so as to end with the
    // row, and then counts only what the others do not.
    template <int V, int Bytes>
    void add_columns(const int64_t* rows, int64_t m, const T* r, T* g, int64_t j,
                     int64_t d) const {
        constexpr int W = Bytes / static_cast<int>(sizeof(T));
        const int64_t last = least(j + (V - 1) * W, d - W);
        Pack<T, Bytes> sums[V];
        for (int v = 0; v < V; ++v) sums[v] = Pack<T, Bytes>{};
        for (int64_t i = 0; i < m; ++i) {
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
    int64_t distance_, prefetched_;
};

}  // namespace skgd::SKGD_ARCH
