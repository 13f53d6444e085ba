// Running moments of the columns: of their values that are not zero, so that rows of
// CSR cost what their entries cost.
#pragma once

#include <cstdint>

#include "buffer.hpp"
#include "pass.hpp"
#include "scalars.hpp"

namespace skgd::SKGD_ARCH {

// Rows are taken in blocks that stay in the cache while they are read twice, for the
// means and for the squares about them; blocks are combined as in Chan, Golub and
// LeVeque, "Updating formulae and a pairwise algorithm for computing sample
// variances", 1982. Means are summed as distances from a value near them: offsets cost
// no digits, and a column of equal values has no spread at all.
template <class T>
class Moments {
public:
    Moments(const ColumnMoments& columns)
        : columns_(columns), d_(columns.n_features), sums_(4 * d_) {}

    void add_dense() {
        const int64_t in_cache = 16384 / (1 + d_ * int64_t(sizeof(T)));
        const int64_t size = most<int64_t>(1, least<int64_t>(256, in_cache));
        for (int64_t start = 0; start < columns_.n_samples; start += size)
            add_block(start, least(columns_.n_samples, start + size));
    }

    template <class Index>
    void add_csr() {
        const T* x = static_cast<const T*>(columns_.X.data);
        const Index* indices = static_cast<const Index*>(columns_.indices.data);
        const Index* indptr = static_cast<const Index*>(columns_.indptr.data);
        double *weight = columns_.weight, *mean = columns_.mean, *m2 = columns_.m2;
        for (int64_t i = 0; i < columns_.n_samples; ++i) {
            const double s = sample_weight(i);
            for (int64_t p = indptr[i]; p < indptr[i + 1]; ++p) {
                if (x[p] == 0) continue;
                const int64_t j = indices[p];
                weight[j] += s;
                const double delta = x[p] - mean[j];
                mean[j] += delta * (s / weight[j]);
                m2[j] += s * delta * (x[p] - mean[j]);
            }
        }
    }

private:
    void add_block(int64_t start, int64_t stop) {
        double *weight = sums_.get(), *mean = weight + d_, *m2 = mean + d_;
        double* anchor = m2 + d_;
        for (int64_t j = 0; j < 3 * d_; ++j) weight[j] = 0;
        for (int64_t j = 0; j < d_; ++j)
            anchor[j] = columns_.weight[j] > 0 ? columns_.mean[j] : row(start)[j];
        for (int64_t i = start; i < stop; ++i)
            add_values(row(i), sample_weight(i), anchor, weight, mean);
        for (int64_t j = 0; j < d_; ++j)
            mean[j] = weight[j] > 0 ? anchor[j] + mean[j] / weight[j] : 0;
        for (int64_t i = start; i < stop; ++i)
            add_squares(row(i), sample_weight(i), mean, m2);
        combine(weight, mean, m2);
    }

    void add_values(const T* SKGD_RESTRICT x, double s, const double* SKGD_RESTRICT anchor,
                    double* SKGD_RESTRICT weight, double* SKGD_RESTRICT sum) const {
        for (int64_t j = 0; j < d_; ++j) {
            weight[j] += x[j] != 0 ? s : 0;
            sum[j] += x[j] != 0 ? s * (x[j] - anchor[j]) : 0;
        }
    }

    void add_squares(const T* SKGD_RESTRICT x, double s, const double* SKGD_RESTRICT mean,
                     double* SKGD_RESTRICT m2) const {
        for (int64_t j = 0; j < d_; ++j) {
            const double delta = x[j] != 0 ? x[j] - mean[j] : 0;
            m2[j] += s * delta * delta;
        }
    }

    void combine(const double* SKGD_RESTRICT weight, const double* SKGD_RESTRICT mean,
                 const double* SKGD_RESTRICT m2) const {
        double *all_weight = columns_.weight, *all_mean = columns_.mean;
        double* all_m2 = columns_.m2;
        for (int64_t j = 0; j < d_; ++j) {
            const double before = all_weight[j], total = before + weight[j];
            const double share = total > 0 ? weight[j] / total : 0;
            const double delta = mean[j] - all_mean[j];
            all_weight[j] = total;
            all_mean[j] += delta * share;
            all_m2[j] += m2[j] + delta * delta * before * share;
        }
    }

    const T* row(int64_t i) const {
        return static_cast<const T*>(columns_.X.data) + i * columns_.X.stride;
    }

    double sample_weight(int64_t i) const {
        const Array& s = columns_.sample_weight;
        if (!s.data) return 1;
        if (s.type == Type::float32)
            return static_cast<const float*>(s.data)[i * s.stride];
        return static_cast<const double*>(s.data)[i * s.stride];
    }

    const ColumnMoments& columns_;
    const int64_t d_;
    Buffer<double> sums_;
};

template <class T>
void add_moments_of(const ColumnMoments& columns) {
    Moments<T> moments(columns);
    if (!columns.indptr.data)
        moments.add_dense();
    else if (columns.indptr.type == Type::int32)
        moments.template add_csr<int32_t>();
    else
        moments.template add_csr<int64_t>();
}

}  // namespace skgd::SKGD_ARCH
