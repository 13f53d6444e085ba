// Passes over CSR rows whose steps cost what the non-zeros of their batch cost.
//
// What the penalty and the decay do to a weight without a gradient has a closed form,
// so it is done when the weight is next needed. For a weight that shrinks by a_t and
// is then moved towards zero by b_t h in every step (h its entry in the metric), with
//
//     P_t = a_1 ··· a_t,   Q_t = b_1 / P_1 + … + b_t / P_t,   u = w / P,
//
// the steps i + 1 … t without a gradient are u <- sign(u) max(|u| - (Q_t - Q_i) h, 0):
// a weight that reaches zero stays there. The array of the weights holds u during the
// pass. FTRL's weights are a function of its state at any time.
#pragma once

#include <cstdint>
#include <cstring>

#include "buffer.hpp"
#include "losses.hpp"
#include "optimizers.hpp"
#include "order.hpp"
#include "pass.hpp"
#include "penalty.hpp"
#include "rows_csr.hpp"
#include "signals.hpp"
#include "targets.hpp"

namespace skgd::SKGD_ARCH {

// The formulas of a step by coordinate. `metric` is h above.

template <class T>
struct LazySGD {
    static constexpr bool is_linear = true, is_state_only = false;
    explicit LazySGD(const Optimizer<T>&) {}
    SKGD_INLINE T metric(int64_t) const { return 1; }
    SKGD_INLINE T move(int64_t, T g, T rate, T) { return rate * g; }
    SKGD_INLINE T weight(int64_t, T) const { return 0; }
    void begin_step(double) {}
};

template <class T>
struct LazyAdaGrad {
    static constexpr bool is_linear = false, is_state_only = false;
    Root<T> root;
    T* s;
    explicit LazyAdaGrad(const Optimizer<T>& optimizer)
        : root(optimizer.parameter(0), optimizer.parameter(1) != 0),
          s(optimizer.state("s")) {}
    SKGD_INLINE T metric(int64_t i) const { return 1 / root(s[i]); }
    SKGD_INLINE T move(int64_t i, T g, T rate, T) {
        g = squarable(g);
        s[i] += g * g;
        return rate * (g * metric(i));
    }
    SKGD_INLINE T weight(int64_t, T) const { return 0; }
    void begin_step(double) {}
};

template <class T>
struct LazyFTRL {
    static constexpr bool is_linear = false, is_state_only = true;
    Root<T> root;
    T *n, *c;
    double *sum, *last_rate;
    explicit LazyFTRL(const Optimizer<T>& optimizer)
        : root(optimizer.parameter(0)), n(optimizer.state("n")),
          c(optimizer.state("c")), sum(optimizer.template state<double>("T")),
          last_rate(optimizer.template state<double>("rate")) {}
    SKGD_INLINE T metric(int64_t i) const { return 1 / root(n[i]); }
    SKGD_INLINE T move(int64_t i, T g, T rate, T w) {
        g = squarable(g);
        const T before = root(n[i]);
        n[i] += g * g;
        const T after = root(n[i]);
        c[i] += ((after - before) * (w - c[i]) - rate * g) / after;
        return w - c[i];
    }
    // The weight after any step.
    SKGD_INLINE T weight(int64_t i, T l1) const {
        return Penalty<T>::soft_threshold(c[i], static_cast<T>(l1 * *sum) * metric(i));
    }
    void begin_step(double rate) {
        *last_rate = rate;
        *sum += rate;
    }
};

// k_ outputs; one if One, which the compiler then knows.
template <class T, class Index, class Rule, bool One>
class Lazy {
public:
    Lazy(const Pass& pass, const RowsCSR<T, Index>& rows, const Loss<T>* loss)
        : pass_(pass), rows_(rows), loss_(loss), targets_(pass), order_(pass),
          signals_(pass.hooks), optimizer_(pass, 0), rule_(optimizer_), k_(rows.k),
          u_(static_cast<T*>(pass.w)), intercept_(u_ + rows.d * k_),
          l1_(pass.alpha * pass.penalty.l1),
          decay_(pass.alpha * pass.penalty.l2 + pass.weight_decay) {
        const int64_t m = pass.batch_size;
        y_ = Buffer<T>(m * k_), z_ = Buffer<T>(m * k_), r_ = Buffer<T>(m * k_);
        s_ = Buffer<T>(m), values_ = Buffer<double>(m);
        if (l1_ > 0 && !Rule::is_state_only) q_seen_ = Buffer<double>(rows.d);
        if (Rule::is_linear) return;
        g_ = Buffer<T>(rows.d * k_);
        is_touched_ = Buffer<char>(rows.d);
        touched_ = Buffer<Index>(rows.d);
    }

    double run() {
        try {
            const double total = run_batches();
            settle();
            return total;
        } catch (...) {
            settle();
            throw;
        }
    }

private:
    using Row = typename RowsCSR<T, Index>::Row;

    int64_t k() const { return One ? 1 : k_; }

    double run_batches() {
        double total = 0;
        const double* rate = pass_.rates;
        for (int64_t start = pass_.first; start < pass_.stop; start += pass_.batch_size) {
            const int64_t m = least(pass_.batch_size, pass_.stop - start);
            const int64_t* rows = order_.at(start, m);
            total += batch(rows, m, *rate++);
            ++*pass_.t;
            signals_.check(work_);
            work_ = 0;
        }
        return total;
    }

    double batch(const int64_t* rows, int64_t m, double rate) {
        targets_.gather_y(rows, m, y_.get());
        targets_.gather_weights(rows, m, s_.get());
        bool is_increasing = true;
        for (int64_t i = 0; i < m; ++i) {
            rows_.prefetch_ahead(rows + i);
            is_increasing &= predict(rows_.row(rows[i]), z_.get() + i * k());
        }
        loss_->evaluate(y_.get(), z_.get(), m, k(), r_.get(), values_.get());
        double total = 0;
        for (int64_t i = 0; i < m; ++i) {
            const T share = s_[i] / static_cast<T>(m);
            total += values_[i] * s_[i];
            for (int64_t c = 0; c < k(); ++c) r_[i * k() + c] *= share;
        }
        rule_.begin_step(rate);
        const double shrunk = shrink_ * (1 - rate * decay_);
        const T scale = static_cast<T>(1 / shrunk);
        if (Rule::is_linear || (m == 1 && is_increasing))
            for (int64_t i = 0; i < m; ++i)
                move(rows_.row(rows[i]), r_.get() + i * k(), rate, scale);
        else
            move_touched(rows, m, rate, scale);
        if (rows_.fit_intercept) move_intercept(m, rate);
        shrink_ = shrunk;
        q_ += rate * l1_ / shrink_;
        has_stepped_ = true;
        if (shrink_ < 1e-8) settle();
        return total;
    }

    // z = row · w, with the row's weights brought up to date. Returns whether no
    // column stands in the row twice.
    SKGD_INLINE bool predict(const Row& row, T* z) {
        T sums = 0;
        int64_t last = -1;
        bool is_increasing = true;
        if (!One)
            for (int64_t c = 0; c < k(); ++c) z[c] = 0;
        for (int64_t p = 0; p < row.size; ++p) {
            const int64_t j = row.j[p];
            catch_up(j);
            if (One)
                sums += row.x[p] * u_[j];
            else
                for (int64_t c = 0; c < k(); ++c) z[c] += row.x[p] * u_[j * k() + c];
            is_increasing &= j > last;
            last = j;
        }
        if (One) z[0] = sums;
        const T shrink = static_cast<T>(shrink_);
        for (int64_t c = 0; c < k(); ++c) {
            z[c] *= shrink;
            if (rows_.fit_intercept) z[c] += intercept_[c];
        }
        work_ += row.size * k() + 64;
        return is_increasing;
    }

    SKGD_INLINE void catch_up(int64_t j) {
        if (Rule::is_state_only) {
            if (has_stepped_)
                for (int64_t i = j * k(); i < (j + 1) * k(); ++i)
                    u_[i] = rule_.weight(i, static_cast<T>(l1_));
        } else if (q_seen_) {
            const T missed = static_cast<T>(q_ - q_seen_[j]);
            q_seen_[j] = q_;
            for (int64_t i = j * k(); i < (j + 1) * k(); ++i)
                u_[i] = Penalty<T>::soft_threshold(u_[i], missed * rule_.metric(i));
        }
    }

    SKGD_INLINE void move(const Row& row, const T* r, double rate, T scale) {
        const T eta = static_cast<T>(rate);
        if (One && Rule::is_linear) {
            const T of = eta * scale * r[0];
            for (int64_t p = 0; p < row.size; ++p) u_[row.j[p]] -= of * row.x[p];
            return;
        }
        for (int64_t p = 0; p < row.size; ++p)
            for (int64_t c = 0; c < k(); ++c) {
                const int64_t i = row.j[p] * k() + c;
                u_[i] -= scale * rule_.move(i, row.x[p] * r[c], eta, u_[i]);
            }
    }

    void move_touched(const int64_t* rows, int64_t m, double rate, T scale) {
        int64_t n_touched = 0;
        for (int64_t i = 0; i < m; ++i) {
            const Row row = rows_.row(rows[i]);
            for (int64_t p = 0; p < row.size; ++p)
                if (!is_touched_[row.j[p]]) {
                    is_touched_[row.j[p]] = 1;
                    touched_[n_touched++] = row.j[p];
                }
            rows_.add_multiple(row, r_.get() + i * k(), g_.get());
        }
        const T eta = static_cast<T>(rate);
        for (int64_t p = 0; p < n_touched; ++p) {
            const int64_t j = touched_[p];
            is_touched_[j] = 0;
            for (int64_t i = j * k(); i < (j + 1) * k(); ++i) {
                u_[i] -= scale * rule_.move(i, g_[i], eta, u_[i]);
                g_[i] = 0;
            }
        }
    }

    void move_intercept(int64_t m, double rate) {
        for (int64_t c = 0; c < k(); ++c) {
            T g = 0;
            for (int64_t i = 0; i < m; ++i) g += r_[i * k() + c];
            intercept_[c] -=
                rule_.move(rows_.d * k() + c, g, static_cast<T>(rate), intercept_[c]);
        }
    }

    // Makes the weights what they are after the last step.
    void settle() {
        if (q_seen_ || Rule::is_state_only)
            for (int64_t j = 0; j < rows_.d; ++j) catch_up(j);
        if (q_seen_)
            for (int64_t j = 0; j < rows_.d; ++j) q_seen_[j] = 0;
        if (shrink_ != 1)
            for (int64_t i = 0; i < rows_.d * k(); ++i)
                u_[i] = static_cast<T>(shrink_ * u_[i]);
        shrink_ = 1;
        q_ = 0;
    }

    const Pass& pass_;
    const RowsCSR<T, Index>& rows_;
    const Loss<T>* loss_;
    Targets<T> targets_;
    Order order_;
    Signals signals_;
    SGD<T> optimizer_;
    Rule rule_;
    const int64_t k_;
    T *u_, *intercept_;
    const double l1_, decay_;
    double shrink_ = 1, q_ = 0;
    bool has_stepped_ = false;
    int64_t work_ = 0;
    Buffer<T> y_, z_, r_, s_, g_;
    Buffer<double> values_, q_seen_;
    Buffer<char> is_touched_;
    Buffer<Index> touched_;
};

template <class T, class Index, class Rule>
double run_lazy_rule(const Pass& pass, const RowsCSR<T, Index>& rows, const Loss<T>* loss) {
    if (rows.k == 1) return Lazy<T, Index, Rule, true>(pass, rows, loss).run();
    return Lazy<T, Index, Rule, false>(pass, rows, loss).run();
}

template <class T, class Index>
double run_lazy(const Pass& pass, const RowsCSR<T, Index>& rows, const Loss<T>* loss) {
    if (!std::strcmp(pass.optimizer.name, "sgd"))
        return run_lazy_rule<T, Index, LazySGD<T>>(pass, rows, loss);
    if (!std::strcmp(pass.optimizer.name, "adagrad"))
        return run_lazy_rule<T, Index, LazyAdaGrad<T>>(pass, rows, loss);
    return run_lazy_rule<T, Index, LazyFTRL<T>>(pass, rows, loss);
}

// Whether the pass, over CSR rows, is one for run_lazy: whether untouched weights have
// the closed form.
template <class T>
bool is_lazy(const Pass& pass) {
    if (!pass.loss.name || !pass.optimizer.name || pass.penalty.python ||
        pass.penalty.lower || pass.clip_norm >= 0 || pass.average_from >= 0 ||
        pass.batch_size > Order::max_rows)
        return false;
    const double l2 = pass.alpha * pass.penalty.l2;
    const bool is_sgd = !std::strcmp(pass.optimizer.name, "sgd");
    const bool is_adagrad = !std::strcmp(pass.optimizer.name, "adagrad") && l2 == 0;
    const bool is_ftrl = !std::strcmp(pass.optimizer.name, "ftrl") && l2 == 0 &&
                         pass.weight_decay == 0;
    if (!is_sgd && !is_adagrad && !is_ftrl) return false;
    const int64_t n_batches =
        (pass.stop - pass.first + pass.batch_size - 1) / pass.batch_size;
    for (int64_t b = 0; b < n_batches; ++b) {
        if (pass.rates[b] * (l2 + pass.weight_decay) > 0.9) return false;
        if (is_ftrl && vanishes<T>(pass.rates[b])) return false;
    }
    return true;
}

}  // namespace skgd::SKGD_ARCH
