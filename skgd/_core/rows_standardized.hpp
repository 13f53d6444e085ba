// Dense rows as training sees them: (x - center) · inverse_scale, a block at a time in
// a buffer that stays in the cache.
#pragma once

#include <cstdint>

#include "rows_dense.hpp"
#include "scalars.hpp"

namespace skgd::SKGD_ARCH {

// As Stored; what is read is kept.
template <class T, int R>
struct Standardized {
    static constexpr int n_rows = R;
    const T *x[R], *center, *inverse_scale;
    T* kept;
    int64_t stride;

    // All loads come before the stores: the compiler cannot know that those
    // leave center and inverse_scale as they are.
    template <int Bytes>
    SKGD_INLINE void columns(int64_t j, Pack<T, Bytes>* v) const {
        const auto c = load<T, Bytes>(center + j);
        const auto s = load<T, Bytes>(inverse_scale + j);
        for (int i = 0; i < R; ++i) v[i] = (load<T, Bytes>(x[i] + j) - c) * s;
        for (int i = 0; i < R; ++i) store<T, Bytes>(kept + i * stride + j, v[i]);
    }
    const T* row(int i) const { return kept + i * stride; }
};

template <class T>
class RowsStandardized final : public Rows<T> {
public:
    RowsStandardized(const RowsDense<T>& rows, const Units& units)
        : Rows<T>(rows.d, rows.k, rows.fit_intercept), rows_(rows),
          center_(static_cast<const T*>(units.center)),
          inverse_scale_(static_cast<const T*>(units.inverse_scale)),
          stride_((rows.d + width<T> - 1) / width<T> * width<T>),
          standardized_(most<int64_t>(4, rows.block_size()) * stride_),
          each_(rows.block_size()),
          block_(standardized_.get(), stride_, rows.d, rows.k, rows.fit_intercept,
                 rows.block_size()) {
        for (int64_t i = 0; i < rows.block_size(); ++i) each_[i] = i;
    }

    void read(const int64_t* rows, int64_t m) const override {
        read(rows, m, rows_.next_block(rows, true));
    }

    void predict(const int64_t* rows, int64_t m, const T* w, T* z,
                 bool accumulate_follows) const override {
        const auto later = rows_.next_block(rows, accumulate_follows);
        if (this->k > 1) {
            read(rows, m, later);
            return block_.predict_all(each_.get(), m, w, z, nullptr);
        }
        rows_.dots(m, w, z, [&](auto r, int64_t i) {
            later.prefetch(i, r);
            return some<r>(rows + i, i);
        });
        this->add_intercept(m, w, z);
    }

    void accumulate(const int64_t* rows, int64_t m, const T* r, T* g) const override {
        block_.accumulate(each_.get(), m, r, g, rows_.rest_of_next_block(rows));
    }

    SKGD_INLINE auto next(const int64_t* rows) const { return rows_.next(rows); }

    // R rows, up to four. They are kept behind `before` others of the block.
    template <int R>
    SKGD_INLINE Standardized<T, R> some(const int64_t* rows, int64_t before = 0) const {
        Standardized<T, R> some;
        for (int i = 0; i < R; ++i) some.x[i] = rows_.row(rows[i]);
        some.center = center_, some.inverse_scale = inverse_scale_;
        some.kept = standardized_.get() + before * stride_;
        some.stride = stride_;
        return some;
    }

    int64_t block_size() const override { return rows_.block_size(); }

private:
    template <class Later>
    void read(const int64_t* rows, int64_t m, const Later& later) const {
        RowsDense<T>::by_four(m, [&](auto r, int64_t i) {
            later.prefetch(i, r);
            standardize(some<r>(rows + i, i));
        });
    }

    template <int Bytes = vector_bytes, class Source>
    SKGD_INLINE void standardize(const Source& x) const {
        constexpr int W = Bytes / static_cast<int>(sizeof(T));
        if constexpr (W > 1) {
            if (this->d < W) return standardize<Bytes / 2>(x);
        }
        Pack<T, Bytes> v[Source::n_rows];
        int64_t j = 0;
        for (; j + W <= this->d; j += W) x.template columns<Bytes>(j, v);
        if (j < this->d) x.template columns<Bytes>(this->d - W, v);
    }

    const RowsDense<T>& rows_;
    const T *center_, *inverse_scale_;
    int64_t stride_;
    Buffer<T> standardized_;
    Buffer<int64_t> each_;
    RowsDense<T> block_;
};

}  // namespace skgd::SKGD_ARCH
