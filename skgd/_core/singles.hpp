// Plain gradient descent with one dense row a batch.
//
// Each step depends on the one before, and waiting for its sums would take longer
// than computing them. So four rows are taken together: their products with the
// weights and with each other are independent, and give what the rows' predictions
// would be after each other's steps. With a = 1 - rate (alpha l2 + decay),
//
//     w_i = a_i w_{i-1} - rate_i r_i x_i,
//     x_j w_i = a_i x_j w_{i-1} - rate_i r_i x_j x_i.
#pragma once

#include <cstdint>
#include <cstring>

#include "buffer.hpp"
#include "losses.hpp"
#include "order.hpp"
#include "pass.hpp"
#include "penalty.hpp"
#include "rows_standardized.hpp"
#include "scalars.hpp"
#include "signals.hpp"
#include "targets.hpp"

namespace skgd::SKGD_ARCH {

template <class T, int Bytes, class Rows>
class Singles {
public:
    // d >= the number of lanes.
    Singles(const Pass& pass, const Rows& rows, const Loss<T>* loss)
        : pass_(pass), rows_(rows), loss_(loss), targets_(pass), order_(pass),
          signals_(pass.hooks), d_(rows.d), last_(d_ - W),
          n_vectors_((d_ + W - 1) / W), w_(n_vectors_ * W), y_(block), z_(block),
          s_(block), values_(block) {
        for (int i = 0; i < W; ++i) keep_[i] = 1;
        keep_ = keep_last<T, Bytes>(keep_, d_ - (n_vectors_ - 1) * W);
        chain_.fit_intercept = rows.fit_intercept;
        chain_.decay = static_cast<T>(pass.alpha * pass.penalty.l2 + pass.weight_decay);
        read_units();
        read_weights();
    }

    double run() {
        try {
            const double total = run_blocks();
            write_weights();
            return total;
        } catch (...) {
            write_weights();
            throw;
        }
    }

private:
    using Vector = Pack<T, Bytes>;
    static constexpr int W = Bytes / static_cast<int>(sizeof(T));
    static constexpr int64_t block = 256;

    double run_blocks() {
        double total = 0;
        for (int64_t start = pass_.first; start < pass_.stop; start += block) {
            const int64_t m = least(block, pass_.stop - start);
            const int64_t* rows = order_.at(start, m);
            targets_.gather_y(rows, m, y_.get());
            targets_.gather_weights(rows, m, s_.get());
            const double* rates = pass_.rates + (start - pass_.first);
            int64_t i = 0;
            for (; i + 4 <= m; i += 4) steps<4>(rows + i, i, rates + i);
            for (; i < m; ++i) steps<1>(rows + i, i, rates + i);
            *pass_.t += m;
            loss_->values(y_.get(), z_.get(), m, values_.get());
            for (i = 0; i < m; ++i) total += values_[i] * s_[i];
            signals_.check(m * (d_ + 16));
        }
        return total;
    }

    template <int R>
    SKGD_INLINE void steps(const int64_t* rows, int64_t i, const double* rates) {
        rows_.next(rows).prefetch(0, R);
        const auto x = rows_.template some<R>(rows);
        products<R>(x);
        for (int a = 0; a < R; ++a) {
            chain_.y[a] = y_[i + a];
            chain_.weight[a] = s_[i + a] * residual_scale_;
            chain_.rate[a] = static_cast<T>(rates[a]);
        }
        R == 4 ? loss_->four(chain_) : loss_->one(chain_);
        for (int a = 0; a < R; ++a) z_[i + a] = chain_.z[a];
        update<R>(x);
    }

    // z = x w, and the products of the rows with each other.
    template <int R, class Source>
    SKGD_INLINE void products(const Source& x) {
        Vector with_w[R], with_x[R][R];
        for (int a = 0; a < R; ++a) {
            with_w[a] = Vector{};
            for (int b = 0; b < a; ++b) with_x[b][a] = Vector{};
        }
        const auto add = [&](const Vector* v, const Vector& w) {
            for (int a = 0; a < R; ++a) {
                with_w[a] += v[a] * w;
                for (int b = 0; b < a; ++b) with_x[b][a] += v[b] * v[a];
            }
        };
        Vector v[R];
        for (int64_t p = 0; p < n_vectors_ - 1; ++p) {
            x.template columns<Bytes>(p * W, v);
            add(v, load<T, Bytes>(w_.get() + p * W));
        }
        x.template columns<Bytes>(last_, v);
        for (int a = 0; a < R; ++a) v[a] = v[a] * keep_;
        add(v, load<T, Bytes>(w_.get() + (n_vectors_ - 1) * W));
        sums<T, Bytes, R>(with_w, chain_.z);
        for (int a = 0; a < R; ++a) {
            chain_.z[a] *= chain_.unit;
            for (int b = 0; b < a; ++b)
                chain_.gram[b][a] = chain_.unit * sum<T, Bytes>(with_x[b][a]);
        }
    }

    // w = shrink w + sum of q x
    template <int R, class Source>
    SKGD_INLINE void update(const Source& source) {
        const T* x[R];
        for (int a = 0; a < R; ++a) x[a] = source.row(a);
        T* w = w_.get();
        const T* q = chain_.q;
        const T shrink = chain_.shrink;
        for (int64_t p = 0; p < n_vectors_ - 1; ++p) {
            Vector wp = load<T, Bytes>(w + p * W) * shrink;
            for (int a = 0; a < R; ++a) wp += load<T, Bytes>(x[a] + p * W) * q[a];
            store<T, Bytes>(w + p * W, wp);
        }
        T* end = w + (n_vectors_ - 1) * W;
        Vector more{};
        for (int a = 0; a < R; ++a) more += load<T, Bytes>(x[a] + last_) * q[a];
        store<T, Bytes>(end, load<T, Bytes>(end) * shrink + more * keep_);
    }

    void read_units() {
        const auto number = [](const void* given, T none) {
            return given ? *static_cast<const T*>(given) : none;
        };
        chain_.offset = number(pass_.units.offset, 0);
        chain_.unit = number(pass_.units.unit, 1);
        residual_scale_ = number(pass_.units.residual_scale, 1);
    }

    // The last vector of a row ends with the row, so it may overlap the one before;
    // in w its first lanes are then zero.
    void read_weights() {
        const T* w = static_cast<const T*>(pass_.w);
        for (int64_t j = 0; j < d_; ++j) w_[place(j)] = w[j];
        chain_.intercept = rows_.fit_intercept ? w[d_] : T(0);
    }

    void write_weights() {
        T* w = static_cast<T*>(pass_.w);
        for (int64_t j = 0; j < d_; ++j) w[j] = w_[place(j)];
        if (rows_.fit_intercept) w[d_] = chain_.intercept;
    }

    int64_t place(int64_t j) const {
        const int64_t full = (n_vectors_ - 1) * W;
        return j < full ? j : full + j - last_;
    }

    const Pass& pass_;
    const Rows& rows_;
    const Loss<T>* loss_;
    Targets<T> targets_;
    Order order_;
    Signals signals_;
    const int64_t d_, last_, n_vectors_;
    Vector keep_;
    T residual_scale_;
    Chain<T> chain_;
    Buffer<T> w_, y_, z_, s_;
    Buffer<double> values_;
};

template <class T, int Bytes = vector_bytes, class Rows>
double run_singles(const Pass& pass, const Rows& rows, const Loss<T>* loss) {
    constexpr int W = Bytes / static_cast<int>(sizeof(T));
    if constexpr (W > 1) {
        if (rows.d < W) return run_singles<T, Bytes / 2>(pass, rows, loss);
    }
    return Singles<T, Bytes, Rows>(pass, rows, loss).run();
}

// Whether the pass, over dense rows, is one for run_singles.
inline bool is_single(const Pass& pass) {
    const bool is_sgd = pass.optimizer.name && !std::strcmp(pass.optimizer.name, "sgd");
    const bool is_smooth = !pass.penalty.python && !pass.penalty.lower &&
                           !pass.penalty.in_prox &&
                           pass.alpha * pass.penalty.l1 == 0;
    return is_sgd && is_smooth && pass.loss.name && pass.batch_size == 1 &&
           pass.n_outputs == 0 && pass.n_features > 0 && pass.clip_norm < 0 &&
           pass.average_from < 0;
}

}  // namespace skgd::SKGD_ARCH
