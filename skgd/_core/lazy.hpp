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
// pass. FTRL's weights are a function of its state at any time. If the proximal operator
// has the squared norm, too, `Gap` knows what it did.
//
// Without l1 the mean of the weights has a closed form, too: where the weight of step t
// counts c_t in it, u adds u (S_t - S_i) over those steps, with S_t = c_1 P_1 + … + c_t P_t.
// During the pass the array of the means holds such sums, of which C is the count.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "buffer.hpp"
#include "elementary.hpp"
#include "losses.hpp"
#include "optimizers.hpp"
#include "order.hpp"
#include "pass.hpp"
#include "penalty.hpp"
#include "rows_csr.hpp"
#include "scalars.hpp"
#include "signals.hpp"
#include "targets.hpp"

namespace skgd::SKGD_ARCH {

// The formulas of a step by coordinate. A rule keeps the state of coordinate i in its
// lane q from `load` to `store`. `metric` is h above.

template <class T>
struct LazySGD {
    static constexpr bool is_linear = true, is_state_only = false;
    explicit LazySGD(const Optimizer<T>&) {}
    void reserve(int64_t) {}
    SKGD_INLINE void load(int64_t, int64_t) {}
    SKGD_INLINE void store(int64_t, int64_t) const {}
    SKGD_INLINE T metric(int64_t) const { return 1; }
    SKGD_INLINE T move(int64_t, T g, T rate, T) { return rate * g; }
    SKGD_INLINE T weight(int64_t, T, T) const { return 0; }
    void begin_step(double) {}
    double sum_of_rates() const { return 0; }
};

template <class T>
struct LazyAdaGrad {
    static constexpr bool is_linear = false, is_state_only = false;
    Root<T> root;
    T* all_s;
    Buffer<T> s;
    explicit LazyAdaGrad(const Optimizer<T>& optimizer)
        : root(optimizer.parameter(0), optimizer.parameter(1) != 0),
          all_s(optimizer.state("s")) {}
    void reserve(int64_t n) { s = Buffer<T>(n); }
    SKGD_INLINE void load(int64_t q, int64_t i) { s[q] = all_s[i]; }
    SKGD_INLINE void store(int64_t q, int64_t i) const { all_s[i] = s[q]; }
    SKGD_INLINE T metric(int64_t q) const { return 1 / root(s[q]); }
    SKGD_INLINE T move(int64_t q, T g, T rate, T) {
        g = squarable(g);
        s[q] += g * g;
        return rate * (g * metric(q));
    }
    SKGD_INLINE T weight(int64_t, T, T) const { return 0; }
    void begin_step(double) {}
    double sum_of_rates() const { return 0; }
};

template <class T>
struct LazyFTRL {
    static constexpr bool is_linear = false, is_state_only = true;
    Root<T> root;
    T *all_n, *all_c;
    double *sum, *last_rate;
    Buffer<T> n, c;
    explicit LazyFTRL(const Optimizer<T>& optimizer)
        : root(optimizer.parameter(0)), all_n(optimizer.state("n")),
          all_c(optimizer.state("c")), sum(optimizer.template state<double>("T")),
          last_rate(optimizer.template state<double>("rate")) {}
    void reserve(int64_t size) { n = Buffer<T>(size), c = Buffer<T>(size); }
    SKGD_INLINE void load(int64_t q, int64_t i) { n[q] = all_n[i], c[q] = all_c[i]; }
    SKGD_INLINE void store(int64_t q, int64_t i) const {
        all_n[i] = n[q], all_c[i] = c[q];
    }
    SKGD_INLINE T metric(int64_t q) const { return 1 / root(n[q]); }
    SKGD_INLINE T move(int64_t q, T g, T rate, T w) {
        g = squarable(g);
        const T before = root(n[q]);
        n[q] += g * g;
        const T after = root(n[q]);
        c[q] += ((after - before) * (w - c[q]) - rate * g) / after;
        return w - c[q];
    }
    // The weight after any step; l1 and l2 are those of all steps.
    SKGD_INLINE T weight(int64_t q, T l1, T l2) const {
        if (l1 == 0 && l2 == 0) return c[q];
        const T size = root(n[q]);
        return Penalty<T>::soft_threshold(c[q] * size, l1) / (size + l2);
    }
    void begin_step(double rate) {
        *last_rate = rate;
        *sum += rate;
    }
    double sum_of_rates() const { return *sum; }
};

inline int64_t n_batches(const Pass& pass) {
    return (pass.stop - pass.first + pass.batch_size - 1) / pass.batch_size;
}

// What the proximal operator of l1 |w| + ½ l2 w² does to a weight in steps without a
// gradient. In one it becomes sign(w) max(|w| - r l1 h, 0) / (1 + r l2 h). With
// P = (1 + r l2 h) ··· of all of them that is sign(w) max(|w| / P - (1 - 1 / P) l1 / l2, 0).
//
// log P is a power series in x = l2 h · (the largest rate), whose coefficients are sums
// of powers of the rates: differences of the sums over all steps so far.
class Gap {
public:
    // Most steps need the first terms only, which take less of the cache.
    static constexpr int n_first = 4, n_rest = 8;
    // Up to which x all terms, and the first ones, give log P to 1e-12 of it.
    static constexpr double converges = 0.1, is_short = 1.5e-3;

    Gap() = default;
    Gap(const double* rates, int64_t n, double l1, double l2)
        : rates_(rates), ratio_(l1 / l2), first_((n + 1) * n_first),
          rest_((n + 1) * n_rest) {
        double largest = 0;
        for (int64_t t = 0; t < n; ++t) largest = rates[t] > largest ? rates[t] : largest;
        unit_ = l2 * largest, per_unit_ = largest > 0 ? 1 / largest : 0;
        for (int64_t t = 0; t < n; ++t) {
            const double r = rates[t] * per_unit_;
            double power = 1;
            for (int k = 0; k < n_first + n_rest; ++k) {
                power *= k ? -r : r;
                sum(t + 1, k) = sum(t, k) + power / (k + 1);
            }
        }
    }
    explicit operator bool() const { return bool(first_); }

    double unit() const { return unit_; }
    double ratio() const { return ratio_; }

    // The sums of the first coefficients over all steps before t.
    SKGD_INLINE const double* first(int64_t t) const { return first_.get() + n_first * t; }

    double log_product(double x, int64_t from, int64_t to) const {
        if (x > converges) return log_product_by_steps(x, from, to);
        double total = 0, power = 1;
        for (int k = 0; k < n_first + n_rest && power > 1e-14; ++k) {
            power *= x;
            total += power * (sum(to, k) - sum(from, k));
        }
        return total;
    }

private:
    // The sum of the k-th coefficient over all steps before t.
    double& sum(int64_t t, int k) const {
        return k < n_first ? first_[t * n_first + k] : rest_[t * n_rest + k - n_first];
    }

    // Not all of them: a weight that is 1e-300 of what it was is zero.
    double log_product_by_steps(double x, int64_t from, int64_t to) const {
        double total = 0, product = 1;
        for (int64_t t = from; t < to && total < 700; ++t) {
            product *= 1 + rates_[t] * per_unit_ * x;
            if (product < 1e200 && t + 1 < to) continue;
            total += std::log(product);
            product = 1;
        }
        return total;
    }

    const double* rates_ = nullptr;
    double ratio_ = 0, unit_ = 0, per_unit_ = 0;
    Buffer<double> first_, rest_;
};

// k_ outputs; one if One, which the compiler then knows.
template <class T, class Index, class Rule, bool One>
class Lazy {
public:
    Lazy(const Pass& pass, const RowsCSR<T, Index>& rows, const Loss<T>* loss)
        : pass_(pass), rows_(rows), loss_(loss), targets_(pass), order_(pass),
          signals_(pass.hooks), optimizer_(pass, 0), rule_(optimizer_), k_(rows.k),
          u_(static_cast<T*>(pass.w)), intercept_(u_ + rows.d * k_),
          mean_(pass.average_from < 0 ? nullptr : static_cast<T*>(pass.average)),
          l1_(pass.alpha * pass.penalty.l1),
          l2_(pass.penalty.in_prox ? pass.alpha * pass.penalty.l2 : 0),
          decay_((pass.penalty.in_prox ? 0 : pass.alpha * pass.penalty.l2) +
                 pass.weight_decay) {
        const int64_t m = pass.batch_size;
        y_ = Buffer<T>(m * k_), z_ = Buffer<T>(m * k_), r_ = Buffer<T>(m * k_);
        s_ = Buffer<T>(m), values_ = Buffer<double>(m);
        if (l2_ > 0 && !Rule::is_state_only) {
            gap_ = Gap(pass.rates, n_batches(pass), l1_, l2_);
            step_seen_ = Buffer<int32_t>(rows.d);
        } else if (l1_ > 0 && !Rule::is_state_only) {
            q_seen_ = Buffer<double>(rows.d);
        }
        columns_ = Buffer<Index>(rows.d);
        if (mean_) s_seen_ = Buffer<double>(rows.d);
        reserve(k_);
        if (Rule::is_linear) return;
        g_ = Buffer<T>(rows.d * k_);
        is_touched_ = Buffer<char>(rows.d);
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
            if (++*pass_.t >= pass_.average_from && mean_) count();
            signals_.check(work_);
            work_ = 0;
        }
        return total;
    }

    double batch(const int64_t* rows, int64_t m, double rate) {
        targets_.gather_y(rows, m, y_.get());
        targets_.gather_weights(rows, m, s_.get());
        const double shrunk = shrink_ * (1 - rate * decay_);
        const T eta = static_cast<T>(rate), scale = static_cast<T>(1 / shrunk);
        double total;
        if (m == 1 && !Rule::is_linear) {
            total = single(rows, rate, scale);
        } else {
            predict(rows, m);
            total = derivatives(m);
            rule_.begin_step(rate);
            if (Rule::is_linear)
                step_linearly(rows, m, eta * scale);
            else
                step_touched(rows, m, eta, scale);
        }
        if (rows_.fit_intercept) step_intercept(m, eta);
        shrink_ = shrunk;
        q_ += rate * l1_ / shrink_;
        ++step_;
        if (shrink_ < 1e-8) settle();
        return total;
    }

    // From X[rows] u in z to the derivatives in r. Returns the loss.
    double derivatives(int64_t m) {
        const T shrink = static_cast<T>(shrink_);
        for (int64_t i = 0; i < m; ++i)
            for (int64_t c = 0; c < k(); ++c) {
                z_[i * k() + c] *= shrink;
                if (rows_.fit_intercept) z_[i * k() + c] += intercept_[c];
            }
        loss_->evaluate(y_.get(), z_.get(), m, k(), r_.get(), values_.get());
        double total = 0;
        for (int64_t i = 0; i < m; ++i) {
            const T share = s_[i] / static_cast<T>(m);
            total += values_[i] * s_[i];
            for (int64_t c = 0; c < k(); ++c) r_[i * k() + c] *= share;
        }
        return total;
    }

    void predict(const int64_t* rows, int64_t m) {
        for (int64_t i = 0; i < m; ++i) {
            rows_.prefetch_ahead(rows + i);
            predict(rows_.row(rows[i]), z_.get() + i * k());
        }
    }

    // z = row · w, with the row's weights brought up to date.
    SKGD_INLINE void predict(const Row& row, T* z) {
        work_ += row.size * k() + 64;
        if (!Rule::is_linear || !q_seen_) {
            bring_up_to_date(row.j, row.size);
            if (One)
                *z = rows_.dot(row, u_);
            else
                rows_.product(row, u_, z);
            return;
        }
        T sum = 0;
        if (!One)
            for (int64_t c = 0; c < k(); ++c) z[c] = 0;
        for (int64_t p = 0; p < row.size; ++p) {
            const int64_t j = row.j[p];
            bring_up_to_date(j);
            if (One)
                sum += row.x[p] * u_[j];
            else
                for (int64_t c = 0; c < k(); ++c) z[c] += row.x[p] * u_[j * k() + c];
        }
        if (One) *z = sum;
    }

    // u -= rate · sum of row ⊗ r
    void step_linearly(const int64_t* rows, int64_t m, T rate) {
        T* of = z_.get();
        for (int64_t i = 0; i < m * k(); ++i) of[i] = -rate * r_[i];
        for (int64_t i = 0; i < m; ++i)
            rows_.add_multiple(rows_.row(rows[i]), of + i * k(), u_);
    }

    void step_touched(const int64_t* rows, int64_t m, T rate, T scale) {
        int64_t n = 0;
        for (int64_t i = 0; i < m; ++i) {
            const Row row = rows_.row(rows[i]);
            for (int64_t p = 0; p < row.size; ++p)
                if (!is_touched_[row.j[p]]) {
                    is_touched_[row.j[p]] = 1;
                    columns_[n++] = row.j[p];
                }
            rows_.add_multiple(row, r_.get() + i * k(), g_.get());
        }
        load(columns_.get(), n);
        for (int64_t p = 0; p < n; ++p) {
            const int64_t j = columns_[p];
            is_touched_[j] = 0;
            for (int64_t c = 0; c < k(); ++c) {
                lane_g_[p * k() + c] = g_[j * k() + c];
                g_[j * k() + c] = 0;
            }
        }
        move_lanes(n, rate, scale);
        store(columns_.get(), n);
    }

    // A batch of one row: its weights stay in the lanes from prediction to step.
    double single(const int64_t* rows, double rate, T scale) {
        rows_.prefetch_ahead(rows);
        const Row row = rows_.row(rows[0]);
        const bool in_lanes = rows_.is_increasing(row);
        if (in_lanes)
            predict_in_lanes(row);
        else
            predict(row, z_.get());
        const double total = derivatives(1);
        rule_.begin_step(rate);
        if (in_lanes)
            step_in_lanes(row, static_cast<T>(rate), scale);
        else
            step_touched(rows, 1, static_cast<T>(rate), scale);
        return total;
    }

    SKGD_INLINE void predict_in_lanes(const Row& row) {
        work_ += row.size * k() + 64;
        load(row.j, row.size);
        catch_up(row.j, row.size);
        add_to_mean(row.j, row.size, [&](int64_t p, int64_t c) {
            return lane_u_[p * k() + c];
        });
        if (One) {
            z_[0] = dot<T>(row.x, lane_u_.get(), row.size);
            return;
        }
        for (int64_t c = 0; c < k(); ++c) z_[c] = 0;
        for (int64_t p = 0; p < row.size; ++p)
            for (int64_t c = 0; c < k(); ++c) z_[c] += row.x[p] * lane_u_[p * k() + c];
    }

    SKGD_INLINE void step_in_lanes(const Row& row, T rate, T scale) {
        T* g = lane_g_.get();
        const T* r = r_.get();
        for (int64_t p = 0; p < row.size; ++p)
            for (int64_t c = 0; c < k(); ++c) g[p * k() + c] = row.x[p] * r[c];
        move_lanes(row.size, rate, scale);
        store(row.j, row.size);
    }

    void step_intercept(int64_t m, T rate) {
        const int64_t begin = rows_.d * k();
        for (int64_t c = 0; c < k(); ++c) {
            T g = 0;
            for (int64_t i = 0; i < m; ++i) g += r_[i * k() + c];
            rule_.load(c, begin + c);
            intercept_[c] -= rule_.move(c, g, rate, intercept_[c]);
            rule_.store(c, begin + c);
        }
    }

    // A column may be there twice.
    SKGD_INLINE void bring_up_to_date(const Index* columns, int64_t n) {
        if (Rule::is_state_only ? step_ > 0 : !Rule::is_linear && (q_seen_ || gap_)) {
            load(columns, n);
            catch_up(columns, n);
            store(columns, n);
        } else if (q_seen_) {
            for (int64_t p = 0; p < n; ++p) bring_up_to_date(columns[p]);
        }
        add_to_mean(columns, n, [&](int64_t p, int64_t c) {
            return u_[columns[p] * k() + c];
        });
    }

    // Where the metric is 1.
    SKGD_INLINE void bring_up_to_date(int64_t j) {
        const T missed = static_cast<T>(q_ - q_seen_[j]);
        q_seen_[j] = q_;
        for (int64_t i = j * k(); i < (j + 1) * k(); ++i)
            u_[i] = Penalty<T>::soft_threshold(u_[i], missed);
    }

    // The weights after a step, among those whose mean is taken.
    void count() {
        const double n = static_cast<double>(++*pass_.n_averaged), power = pass_.average_power;
        // From the share of the n-th in the mean, c / (C + c).
        const double c = n == 1 ? 1 : (power + 1) / (n - 1) * c_sum_;
        c_sum_ = n == 1 ? c : c_sum_ + c;
        s_sum_ += c * shrink_;
        for (int64_t o = 0; o < k() && rows_.fit_intercept; ++o)
            mean_[rows_.d * k() + o] += static_cast<T>(c) * intercept_[o];
    }

    template <class Weight>
    SKGD_INLINE void add_to_mean(const Index* columns, int64_t n, const Weight& u) {
        if (!mean_) return;
        for (int64_t p = 0; p < n; ++p) {
            const int64_t j = columns[p];
            const T missed = static_cast<T>(s_sum_ - s_seen_[j]);
            s_seen_[j] = s_sum_;
            for (int64_t c = 0; c < k(); ++c) mean_[j * k() + c] += missed * u(p, c);
        }
    }

    // Lanes: the weights of n columns, those of the p-th from p k on, in arrays of
    // their own, where loops over them become vector instructions.

    void reserve(int64_t n) {
        if (n <= n_lanes_) return;
        n_lanes_ = 2 * n;
        lane_u_ = Buffer<T>(n_lanes_), lane_g_ = Buffer<T>(n_lanes_);
        if (gap_)
            lane_x_ = Buffer<double>(n_lanes_), lane_log_factor_ = Buffer<double>(n_lanes_);
        rule_.reserve(n_lanes_);
    }

    // Into lane_g_ comes how much of Q they have missed, or else the steps themselves.
    SKGD_INLINE void load(const Index* columns, int64_t n) {
        reserve(n * k());
        T *u = lane_u_.get(), *missed = lane_g_.get();
        const double* q_seen = q_seen_.get();
        const double q_now = q_;
        for (int64_t p = 0; p < n; ++p) {
            const int64_t j = columns[p];
            for (int64_t c = 0; c < k(); ++c) {
                u[p * k() + c] = u_[j * k() + c];
                rule_.load(p * k() + c, j * k() + c);
                if (q_seen) missed[p * k() + c] = static_cast<T>(q_now - q_seen[j]);
            }
        }
    }

    SKGD_INLINE void store(const Index* columns, int64_t n) {
        const T* u = lane_u_.get();
        double* q_seen = q_seen_.get();
        const double q_now = q_;
        for (int64_t p = 0; p < n; ++p) {
            const int64_t j = columns[p];
            if (q_seen) q_seen[j] = q_now;
            if (gap_) step_seen_[j] = static_cast<int32_t>(step_);
            for (int64_t c = 0; c < k(); ++c) {
                u_[j * k() + c] = u[p * k() + c];
                rule_.store(p * k() + c, j * k() + c);
            }
        }
    }

    // What the penalty did to the columns since they were last stored.
    SKGD_INLINE void catch_up(const Index* columns, int64_t n) {
        T* u = lane_u_.get();
        const T* missed = lane_g_.get();
        if (Rule::is_state_only && step_ > 0) {
            const T l1 = static_cast<T>(l1_ * rule_.sum_of_rates());
            const T l2 = static_cast<T>(l2_ * rule_.sum_of_rates());
            for (int64_t q = 0; q < n * k(); ++q) u[q] = rule_.weight(q, l1, l2);
        } else if (gap_) {
            catch_up_gaps(columns, n);
        } else if (q_seen_) {
            for (int64_t q = 0; q < n * k(); ++q)
                u[q] = Penalty<T>::soft_threshold(u[q], missed[q] * rule_.metric(q));
        }
    }

    SKGD_INLINE void catch_up_gaps(const Index* columns, int64_t n) {
        T* u = lane_u_.get();
        const double unit = gap_.unit(), ratio = gap_.ratio();
        double *x = lane_x_.get(), *log_factor = lane_log_factor_.get();
        for (int64_t q = 0; q < n * k(); ++q) x[q] = unit * rule_.metric(q);
        bool all_short = true;
        for (int64_t q = 0; q < n * k(); ++q) all_short &= x[q] <= Gap::is_short;
        const double* now = gap_.first(step_);
        const double now0 = now[0], now1 = now[1], now2 = now[2], now3 = now[3];
        for (int64_t p = 0; p < n; ++p) {
            const double* seen = gap_.first(step_seen_[columns[p]]);
            const double c0 = now0 - seen[0], c1 = now1 - seen[1];
            const double c2 = now2 - seen[2], c3 = now3 - seen[3];
            for (int64_t q = p * k(); q < (p + 1) * k(); ++q)
                log_factor[q] = -x[q] * (c0 + x[q] * (c1 + x[q] * (c2 + x[q] * c3)));
        }
        if (!all_short)
            for (int64_t q = 0; q < n * k(); ++q)
                if (x[q] > Gap::is_short) {
                    const int64_t from = step_seen_[columns[q / k()]];
                    log_factor[q] =
                        u[q] == 0 ? 0 : -gap_.log_product(x[q], from, step_);
                }
        double* factor = x;  // x is no longer needed
        for (int64_t q = 0; q < n * k(); ++q) factor[q] = exp_inline(log_factor[q]);
        for (int64_t q = 0; q < n * k(); ++q) u[q] = static_cast<T>(u[q] * factor[q]);
        if (ratio > 0)
            for (int64_t q = 0; q < n * k(); ++q)
                u[q] = Penalty<T>::soft_threshold(
                    u[q], static_cast<T>(-ratio * less_one(factor[q], log_factor[q])));
    }

    // exp(x) - 1, of which little is left in e = exp(x) for small x: all that l1 does
    // where l2 is small.
    static SKGD_INLINE double less_one(double e, double x) {
        const double series =
            x * (1 + x / 2 * (1 + x / 3 * (1 + x / 4 * (1 + x / 5 * (1 + x / 6)))));
        return x < -0.02 ? e - 1 : series;
    }

    SKGD_INLINE void move_lanes(int64_t n, T rate, T scale) {
        T* u = lane_u_.get();
        const T* g = lane_g_.get();
        for (int64_t q = 0; q < n * k(); ++q)
            u[q] -= scale * rule_.move(q, g[q], rate, u[q]);
    }

    // Makes the weights what they are after the last step.
    void settle() {
        constexpr int64_t chunk = 1024;
        for (int64_t start = 0; start < rows_.d; start += chunk) {
            const int64_t n = least(chunk, rows_.d - start);
            for (int64_t p = 0; p < n; ++p) columns_[p] = static_cast<Index>(start + p);
            bring_up_to_date(columns_.get(), n);
        }
        for (int64_t j = 0; j < rows_.d; ++j) {
            if (q_seen_) q_seen_[j] = 0;
            if (s_seen_) s_seen_[j] = 0;
        }
        if (mean_)
            for (int64_t i = 0; i < (rows_.d + rows_.fit_intercept) * k(); ++i)
                mean_[i] = static_cast<T>(mean_[i] / c_sum_);
        if (shrink_ != 1)
            for (int64_t i = 0; i < rows_.d * k(); ++i)
                u_[i] = static_cast<T>(shrink_ * u_[i]);
        shrink_ = c_sum_ = 1;
        q_ = s_sum_ = 0;
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
    T *u_, *intercept_, *mean_;
    const double l1_, l2_, decay_;  // l2_ is that of the proximal operator
    Gap gap_;
    double shrink_ = 1, q_ = 0, c_sum_ = 1, s_sum_ = 0;
    int64_t step_ = 0;
    int64_t work_ = 0;
    int64_t n_lanes_ = 0;
    Buffer<T> y_, z_, r_, s_, g_, lane_u_, lane_g_;
    Buffer<double> values_, q_seen_, s_seen_, lane_x_, lane_log_factor_;
    Buffer<int32_t> step_seen_;
    Buffer<char> is_touched_;
    Buffer<Index> columns_;
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
        pass.penalty.lower || pass.clip_norm >= 0 || pass.batch_size > Order::max_rows)
        return false;
    const double l2 = pass.alpha * pass.penalty.l2;
    const bool in_prox = l2 > 0 && pass.penalty.in_prox;
    if (pass.average_from >= 0 && (pass.alpha * pass.penalty.l1 > 0 || in_prox))
        return false;
    if (in_prox && (pass.weight_decay > 0 || n_batches(pass) > INT32_MAX)) return false;
    const bool is_sgd = !std::strcmp(pass.optimizer.name, "sgd") && !in_prox;
    const bool is_adagrad =
        !std::strcmp(pass.optimizer.name, "adagrad") && (l2 == 0 || in_prox);
    const bool is_ftrl = !std::strcmp(pass.optimizer.name, "ftrl") &&
                         (l2 == 0 || in_prox) && pass.weight_decay == 0;
    if (!is_sgd && !is_adagrad && !is_ftrl) return false;
    const double decay = (in_prox ? 0 : l2) + pass.weight_decay;
    for (int64_t b = 0, n = n_batches(pass); b < n; ++b) {
        if (pass.rates[b] * decay > 0.9) return false;
        if (is_ftrl && vanishes<T>(pass.rates[b])) return false;
    }
    return true;
}

}  // namespace skgd::SKGD_ARCH
