// The compiled twins of skgd/optimizers.py, in its order and with its symbols.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "buffer.hpp"
#include "pass.hpp"
#include "scalars.hpp"
#include "scale.hpp"

namespace skgd::SKGD_ARCH {

template <class T>
class Optimizer {
public:
    Optimizer(const Pass& pass, int64_t n) : pass_(pass), n(n) {}
    virtual ~Optimizer() {}

    // Returns the direction, which is written to d or lies in the state or in g.
    virtual const T* direction(const T* SKGD_RESTRICT w, const T* SKGD_RESTRICT g,
                               int64_t t, double rate, T* SKGD_RESTRICT d) = 0;

    // The metric of the direction just returned, in s if it differs by weight.
    virtual Scale<T> scale(const T* SKGD_RESTRICT, const T* SKGD_RESTRICT, int64_t, double,
                           T* SKGD_RESTRICT) {
        return {1, nullptr};
    }

    template <class U = T>
    U* state(const char* name) const {
        for (int i = 0; i < pass_.n_state; ++i)
            if (!std::strcmp(pass_.state[i].name, name))
                return static_cast<U*>(pass_.state[i].data);
        throw "state lacks an array that the optimizer needs";
    }
    double parameter(int i) const { return pass_.optimizer.parameters[i]; }

private:
    const Pass& pass_;

protected:
    const int64_t n;
};

// Within bounds that keep a sum of 2^32 squares finite.
template <class T>
SKGD_INLINE T squarable(T g) {
    // √max / 2^16
    constexpr T bound = sizeof(T) == 8 ? static_cast<T>(1.3407807929942596e154 / 65536)
                                       : static_cast<T>(1.8446743e19 / 65536);
    return at_least(at_most(g, bound), -bound);
}

template <class T>
struct Average {
    const T kept, added;
    explicit Average(double decay)
        : kept(static_cast<T>(decay)), added(static_cast<T>(1 - decay)) {}
    SKGD_INLINE T operator()(T mean, T value) const { return kept * mean + added * value; }
};

template <class T>
struct Root {
    const T outside, inside;
    explicit Root(double eps, bool is_inside = false)
        : outside(static_cast<T>(is_inside ? 0 : eps)),
          inside(static_cast<T>(is_inside ? eps : 0)) {}
    SKGD_INLINE T operator()(T square) const { return std::sqrt(square + inside) + outside; }
};

// base^t, mostly for t one larger than the last time.
class Power {
public:
    explicit Power(double base) : base_(base) {}
    double operator()(int64_t t) {
        if (t == t_ + 1)
            value_ *= base_;
        else if (t != t_)
            value_ = std::pow(base_, static_cast<double>(t));
        t_ = t;
        return value_;
    }
    // 1 / (1 − base^t): what removes the bias of an average that began at zero.
    double debias(int64_t t) { return 1 / (1 - (*this)(t)); }

private:
    double base_, value_ = 1;
    int64_t t_ = 0;
};

inline double geometric_sum(double factor, int64_t n) {
    return (1 - std::pow(factor, static_cast<double>(n))) / (1 - factor);
}

template <class T>
SKGD_INLINE T reciprocal(T x) {
    const T size = std::fabs(x);
    return std::fabs(sign(x)) / at_least(size, std::numeric_limits<T>::min());
}

#define SKGD_DIRECTION                                                               \
    const T* direction([[maybe_unused]] const T* SKGD_RESTRICT w,                    \
                       const T* SKGD_RESTRICT g, [[maybe_unused]] int64_t t,         \
                       [[maybe_unused]] double rate,                                 \
                       [[maybe_unused]] T* SKGD_RESTRICT d) override
#define SKGD_SCALE                                                                   \
    Scale<T> scale([[maybe_unused]] const T* SKGD_RESTRICT w,                        \
                   [[maybe_unused]] const T* SKGD_RESTRICT g,                        \
                   [[maybe_unused]] int64_t t, [[maybe_unused]] double rate,         \
                   [[maybe_unused]] T* SKGD_RESTRICT scale_) override

template <class T>
class SGD final : public Optimizer<T> {
public:
    using Optimizer<T>::Optimizer;
    SKGD_DIRECTION { return g; }
};

template <class T>
class Momentum final : public Optimizer<T> {
public:
    Momentum(const Pass& pass, int64_t n)
        : Optimizer<T>(pass, n), momentum_(this->parameter(0)), v_(this->state("v")) {}
    SKGD_DIRECTION {
        T* SKGD_RESTRICT v = v_;
        const T momentum = static_cast<T>(momentum_);
        for (int64_t i = 0; i < this->n; ++i) v[i] = momentum * v[i] + g[i];
        return v;
    }
    SKGD_SCALE { return {geometric_sum(momentum_, t), nullptr}; }

private:
    double momentum_;
    T* v_;
};

template <class T>
class Nesterov final : public Optimizer<T> {
public:
    Nesterov(const Pass& pass, int64_t n)
        : Optimizer<T>(pass, n), momentum_(this->parameter(0)), v_(this->state("v")) {}
    SKGD_DIRECTION {
        T* SKGD_RESTRICT v = v_;
        const T momentum = static_cast<T>(momentum_);
        for (int64_t i = 0; i < this->n; ++i) {
            v[i] = momentum * v[i] + g[i];
            d[i] = momentum * v[i] + g[i];
        }
        return d;
    }
    SKGD_SCALE { return {geometric_sum(momentum_, t + 1), nullptr}; }

private:
    double momentum_;
    T* v_;
};

template <class T>
class AdaGrad final : public Optimizer<T> {
public:
    AdaGrad(const Pass& pass, int64_t n)
        : Optimizer<T>(pass, n), root_(this->parameter(0), this->parameter(1) != 0),
          s_(this->state("s")) {}
    SKGD_DIRECTION {
        T* SKGD_RESTRICT s = s_;
        const Root<T> root = root_;
        for (int64_t i = 0; i < this->n; ++i) {
            const T gi = squarable(g[i]);
            s[i] += gi * gi;
            d[i] = gi * (1 / root(s[i]));
        }
        return d;
    }
    SKGD_SCALE {
        for (int64_t i = 0; i < this->n; ++i) scale_[i] = 1 / root_(s_[i]);
        return {1, scale_};
    }

private:
    Root<T> root_;
    T* s_;
};

template <class T>
class RMSProp final : public Optimizer<T> {
public:
    RMSProp(const Pass& pass, int64_t n)
        : Optimizer<T>(pass, n), rho_(this->parameter(0)),
          momentum_(static_cast<T>(this->parameter(1))),
          centered_(this->parameter(2) != 0),
          root_(this->parameter(3), this->parameter(4) != 0), s_(this->state("s")),
          m_(this->state("m")), v_(this->state("v")), h_(this->state("h")) {}
    SKGD_DIRECTION {
        T *SKGD_RESTRICT s = s_, *SKGD_RESTRICT m = m_;
        T *SKGD_RESTRICT v = v_, *SKGD_RESTRICT h = h_;
        const Root<T> root = root_;
        const Average<T> average = rho_;
        const T momentum = momentum_, centre = centered_;
        for (int64_t i = 0; i < this->n; ++i) {
            const T gi = squarable(g[i]);
            s[i] = average(s[i], gi * gi);
            m[i] = average(m[i], gi);
            const T one = 1 / root(at_least(s[i] - centre * m[i] * m[i], T(0)));
            h[i] = momentum * h[i] + one;
            v[i] = momentum * v[i] + gi * one;
        }
        return v;
    }
    SKGD_SCALE { return {1, h_}; }

private:
    Average<T> rho_;
    T momentum_;
    bool centered_;
    Root<T> root_;
    T *s_, *m_, *v_, *h_;
};

template <class T>
class AdaDelta final : public Optimizer<T> {
public:
    AdaDelta(const Pass& pass, int64_t n)
        : Optimizer<T>(pass, n), rho_(this->parameter(0)), eps_(this->parameter(1)),
          s_(this->state("s")), u_(this->state("u")) {}
    SKGD_DIRECTION {
        T *SKGD_RESTRICT s = s_, *SKGD_RESTRICT u = u_;
        const Average<T> average(rho_);
        const Root<T> root(eps_, true);
        for (int64_t i = 0; i < this->n; ++i) {
            const T gi = squarable(g[i]);
            s[i] = average(s[i], gi * gi);
            d[i] = gi * (root(u[i]) / root(s[i]));
            u[i] = average(u[i], d[i] * d[i]);
        }
        return d;
    }
    SKGD_SCALE {
        const T rho = static_cast<T>(rho_), rest = static_cast<T>(1 - rho_);
        const T eps = static_cast<T>(eps_), rho_eps = static_cast<T>(rho_ * eps_);
        for (int64_t i = 0; i < this->n; ++i) {
            const T gi = squarable(g[i]);
            scale_[i] =
                std::sqrt((u_[i] + rho_eps) / (rho * (s_[i] + eps) + rest * (gi * gi)));
        }
        return {1, scale_};
    }

private:
    double rho_, eps_;
    T *s_, *u_;
};

// Adam and those that differ from it by how v comes about and by its use.
template <class T>
class Adam final : public Optimizer<T> {
public:
    enum Kind { plain, amsgrad, rectified, yogi };

    Adam(const Pass& pass, int64_t n, Kind kind = plain)
        : Optimizer<T>(pass, n), kind_(kind), beta1_(this->parameter(0)),
          beta2_(this->parameter(1)), eps_(this->parameter(2)), m_(this->state("m")),
          v_(this->state("v")), largest_(kind == amsgrad ? this->state("v_max") : v_) {}
    SKGD_DIRECTION {
        moments(g);
        T* SKGD_RESTRICT m = m_;
        const T* v = largest_;
        const T of_m = static_cast<T>(power1_.debias(t));
        const Denominator denominator = at(t);
        const Root<T> root(eps_);
        if (denominator.is_one)
            for (int64_t i = 0; i < this->n; ++i) d[i] = m[i] * of_m;
        else
            for (int64_t i = 0; i < this->n; ++i)
                d[i] = m[i] * of_m * (denominator.numerator / root(v[i] * denominator.of_v));
        return d;
    }
    SKGD_SCALE {
        const Denominator denominator = at(t);
        if (denominator.is_one) return {1, nullptr};
        const Root<T> root(eps_);
        for (int64_t i = 0; i < this->n; ++i)
            scale_[i] = denominator.numerator / root(largest_[i] * denominator.of_v);
        return {1, scale_};
    }

private:
    // scale = numerator / (√(of_v · v) + eps), or 1.
    struct Denominator {
        T numerator, of_v;
        bool is_one;
    };

    Denominator at(int64_t t) {
        if (kind_ != rectified) return {1, static_cast<T>(power2_.debias(t)), false};
        const double rho_inf = 2 / (1 - beta2_) - 1;
        const double bias = 1 - power2_(t);
        const double rho = rho_inf - 2 * static_cast<double>(t) * (1 - bias) / bias;
        if (rho <= 5) return {1, 1, true};
        const double r = std::sqrt(((rho - 4) * (rho - 2) * rho_inf) /
                                   ((rho_inf - 4) * (rho_inf - 2) * rho));
        return {static_cast<T>(r * std::sqrt(bias)), 1, false};
    }

    void moments(const T* SKGD_RESTRICT g) {
        T *SKGD_RESTRICT m = m_, *SKGD_RESTRICT v = v_;
        const Average<T> average1(beta1_), average2(beta2_);
        for (int64_t i = 0; i < this->n; ++i) {
            const T gi = squarable(g[i]);
            m[i] = average1(m[i], gi);
            if (kind_ == yogi)
                v[i] -= average2.added * sign(v[i] - gi * gi) * (gi * gi);
            else
                v[i] = average2(v[i], gi * gi);
        }
        if (kind_ == amsgrad)
            for (int64_t i = 0; i < this->n; ++i) largest_[i] = at_least(largest_[i], v[i]);
    }

    const Kind kind_;
    double beta1_, beta2_, eps_;
    Power power1_{beta1_}, power2_{beta2_};
    T *m_, *v_, *largest_;
};

template <class T>
class AdaMax final : public Optimizer<T> {
public:
    AdaMax(const Pass& pass, int64_t n)
        : Optimizer<T>(pass, n), beta1_(this->parameter(0)), beta2_(this->parameter(1)),
          eps_(this->parameter(2)), m_(this->state("m")), u_(this->state("u")) {}
    SKGD_DIRECTION {
        T *SKGD_RESTRICT m = m_, *SKGD_RESTRICT u = u_;
        const Average<T> average(beta1_);
        const T beta2 = static_cast<T>(beta2_), eps = static_cast<T>(eps_);
        const T of_m = static_cast<T>(power1_.debias(t));
        for (int64_t i = 0; i < this->n; ++i) {
            const T gi = squarable(g[i]);
            m[i] = average(m[i], gi);
            u[i] = at_least(beta2 * u[i], std::fabs(gi) + eps);
            d[i] = m[i] * of_m * (1 / u[i]);
        }
        return d;
    }
    SKGD_SCALE {
        for (int64_t i = 0; i < this->n; ++i) scale_[i] = 1 / u_[i];
        return {1, scale_};
    }

private:
    double beta1_, beta2_, eps_;
    Power power1_{beta1_};
    T *m_, *u_;
};

template <class T>
class NAdam final : public Optimizer<T> {
public:
    NAdam(const Pass& pass, int64_t n)
        : Optimizer<T>(pass, n), beta1_(this->parameter(0)), beta2_(this->parameter(1)),
          eps_(this->parameter(2)), momentum_decay_(this->parameter(3)),
          m_(this->state("m")), v_(this->state("v")),
          mu_product_(this->template state<double>("mu_product")) {}
    SKGD_DIRECTION {
        T *SKGD_RESTRICT m = m_, *SKGD_RESTRICT v = v_;
        *mu_product_ *= mu(t);
        const Average<T> average1(beta1_), average2(beta2_);
        const Root<T> root(eps_);
        const T of_v = static_cast<T>(power2_.debias(t));
        const T of_g = static_cast<T>(share_of_g(t)), of_m = static_cast<T>(share_of_m(t));
        for (int64_t i = 0; i < this->n; ++i) {
            const T gi = squarable(g[i]);
            m[i] = average1(m[i], gi);
            v[i] = average2(v[i], gi * gi);
            d[i] = (of_g * gi + of_m * m[i]) / root(v[i] * of_v);
        }
        return d;
    }
    SKGD_SCALE {
        const double power = power1_(t);
        const T numerator =
            static_cast<T>(share_of_g(t) + share_of_m(t) * (1 - power));
        const Root<T> root(eps_);
        const T of_v = static_cast<T>(power2_.debias(t));
        for (int64_t i = 0; i < this->n; ++i) scale_[i] = numerator / root(v_[i] * of_v);
        return {1, scale_};
    }

private:
    double mu(int64_t t) const {
        return beta1_ * (1 - 0.5 * std::pow(0.96, static_cast<double>(t) * momentum_decay_));
    }
    double share_of_g(int64_t t) const { return (1 - mu(t)) / (1 - *mu_product_); }
    double share_of_m(int64_t t) const {
        return mu(t + 1) / (1 - *mu_product_ * mu(t + 1));
    }

    double beta1_, beta2_, eps_, momentum_decay_;
    Power power1_{beta1_}, power2_{beta2_};
    T *m_, *v_;
    double* mu_product_;
};

template <class T>
class AdaBelief final : public Optimizer<T> {
public:
    AdaBelief(const Pass& pass, int64_t n)
        : Optimizer<T>(pass, n), beta1_(this->parameter(0)), beta2_(this->parameter(1)),
          eps_(this->parameter(2)), m_(this->state("m")), s_(this->state("s")) {}
    SKGD_DIRECTION {
        T *SKGD_RESTRICT m = m_, *SKGD_RESTRICT s = s_;
        const Average<T> average1(beta1_), average2(beta2_);
        const Root<T> root(eps_);
        const T eps = static_cast<T>(eps_);
        const T of_m = static_cast<T>(power1_.debias(t));
        const T of_s = static_cast<T>(power2_.debias(t));
        for (int64_t i = 0; i < this->n; ++i) {
            const T gi = squarable(g[i]);
            m[i] = average1(m[i], gi);
            s[i] = average2(s[i], (gi - m[i]) * (gi - m[i])) + eps;
            d[i] = m[i] * of_m * (1 / root(s[i] * of_s));
        }
        return d;
    }
    SKGD_SCALE {
        const Root<T> root(eps_);
        const T of_s = static_cast<T>(power2_.debias(t));
        for (int64_t i = 0; i < this->n; ++i) scale_[i] = 1 / root(s_[i] * of_s);
        return {1, scale_};
    }

private:
    double beta1_, beta2_, eps_;
    Power power1_{beta1_}, power2_{beta2_};
    T *m_, *s_;
};

template <class T>
class Lion final : public Optimizer<T> {
public:
    Lion(const Pass& pass, int64_t n)
        : Optimizer<T>(pass, n), beta1_(this->parameter(0)), beta2_(this->parameter(1)),
          m_(this->state("m")) {}
    SKGD_DIRECTION {
        T* SKGD_RESTRICT m = m_;
        const Average<T> average1(beta1_), average2(beta2_);
        for (int64_t i = 0; i < this->n; ++i) {
            const T gi = squarable(g[i]);
            d[i] = sign(average1(m[i], gi));
            m[i] = average2(m[i], gi);
        }
        return d;
    }
    SKGD_SCALE {
        const double power = std::pow(beta2_, static_cast<double>(t - 1));
        const T numerator = static_cast<T>(1 - beta1_ * power);
        const T ratio = static_cast<T>(beta1_ / beta2_);
        for (int64_t i = 0; i < this->n; ++i) {
            const T gi = squarable(g[i]);
            scale_[i] = reciprocal(gi + ratio * (m_[i] - gi)) * numerator;
        }
        return {1, scale_};
    }

private:
    double beta1_, beta2_;
    T* m_;
};

template <class T>
class RProp final : public Optimizer<T> {
public:
    RProp(const Pass& pass, int64_t n)
        : Optimizer<T>(pass, n), eta_minus_(static_cast<T>(this->parameter(0))),
          eta_plus_(static_cast<T>(this->parameter(1))),
          delta_min_(static_cast<T>(this->parameter(2))),
          delta_max_(static_cast<T>(this->parameter(3))),
          previous_(this->state("previous")), delta_(this->state("delta")) {}
    SKGD_DIRECTION {
        T *SKGD_RESTRICT previous = previous_, *SKGD_RESTRICT delta = delta_;
        for (int64_t i = 0; i < this->n; ++i) {
            const T change = sign(g[i]) * sign(previous[i]);
            T size = delta[i];
            if (change > 0) size *= eta_plus_;
            if (change < 0) size *= eta_minus_;
            delta[i] = at_most(at_least(size, delta_min_), delta_max_);
            previous[i] = change < 0 ? T(0) : g[i];
            d[i] = delta[i] * sign(previous[i]);
        }
        return d;
    }
    SKGD_SCALE {
        for (int64_t i = 0; i < this->n; ++i)
            scale_[i] = delta_[i] * reciprocal(previous_[i]);
        return {1, scale_};
    }

private:
    T eta_minus_, eta_plus_, delta_min_, delta_max_;
    T *previous_, *delta_;
};

// Whether a division by the rate could overflow.
template <class T>
bool vanishes(double rate) {
    return rate < std::sqrt(static_cast<double>(std::numeric_limits<T>::min()));
}

template <class T>
class FTRL final : public Optimizer<T> {
public:
    FTRL(const Pass& pass, int64_t n)
        : Optimizer<T>(pass, n), root_(this->parameter(0)), n_(this->state("n")),
          c_(this->state("c")), sum_(this->template state<double>("T")),
          rate_(this->template state<double>("rate")) {}
    SKGD_DIRECTION {
        T *SKGD_RESTRICT n = n_, *SKGD_RESTRICT c = c_;
        const Root<T> root = root_;
        *rate_ = rate;
        *sum_ += rate;
        const T eta = static_cast<T>(rate);
        const T of_d = vanishes<T>(rate) ? T(0) : 1 / eta;
        for (int64_t i = 0; i < this->n; ++i) {
            const T gi = squarable(g[i]), before = root(n[i]);
            n[i] += gi * gi;
            const T after = root(n[i]);
            c[i] += ((after - before) * (w[i] - c[i]) - eta * gi) / after;
            d[i] = (w[i] - c[i]) * of_d;
        }
        return d;
    }
    SKGD_SCALE {
        if (vanishes<T>(rate)) return {0, nullptr};
        const T numerator = static_cast<T>(*sum_ / rate);
        for (int64_t i = 0; i < this->n; ++i) scale_[i] = numerator / root_(n_[i]);
        return {1, scale_};
    }

private:
    Root<T> root_;
    T *n_, *c_;
    double *sum_, *rate_;
};

template <class T>
class COCOB final : public Optimizer<T> {
public:
    COCOB(const Pass& pass, int64_t n)
        : Optimizer<T>(pass, n), alpha_(static_cast<T>(this->parameter(0))),
          w0_(this->state("w0")), L_(this->state("L")), G_(this->state("G")),
          R_(this->state("R")), theta_(this->state("theta")) {}
    SKGD_DIRECTION {
        const T* SKGD_RESTRICT w0 = w0_;
        T *SKGD_RESTRICT L = L_, *SKGD_RESTRICT G = G_;
        T *SKGD_RESTRICT R = R_, *SKGD_RESTRICT theta = theta_;
        for (int64_t i = 0; i < this->n; ++i) {
            const T gi = squarable(g[i]), size = std::fabs(gi), moved = w[i] - w0[i];
            L[i] = at_least(L[i], size);
            G[i] += size;
            R[i] = at_least(R[i] - gi * moved, T(0));
            theta[i] -= gi;
            d[i] = moved - bet(L[i], G[i], R[i]) * theta[i];
        }
        return d;
    }
    SKGD_SCALE {
        for (int64_t i = 0; i < this->n; ++i)
            scale_[i] = static_cast<T>(t) * bet(L_[i], G_[i], R_[i]);
        return {1, scale_};
    }

private:
    SKGD_INLINE T bet(T L, T G, T R) const {
        return (1 + R / L) / at_least(G + L, alpha_ * L);
    }

    T alpha_;
    const T* w0_;
    T *L_, *G_, *R_, *theta_;
};

template <class T>
class DoG final : public Optimizer<T> {
public:
    DoG(const Pass& pass, int64_t n)
        : Optimizer<T>(pass, n), eps_(this->parameter(0)), w0_(this->state("w0")),
          r_(this->template state<double>("r")), G_(this->template state<double>("G")) {}
    SKGD_DIRECTION {
        const T* w0 = w0_;
        const double moved = sum_over(this->n, [=](int64_t i) {
            const T x = squarable(w[i] - w0[i]);
            return static_cast<double>(x * x);
        });
        const double square = sum_over(this->n, [=](int64_t i) {
            const T x = squarable(g[i]);
            return static_cast<double>(x * x);
        });
        *r_ = at_least(std::sqrt(moved), *r_);
        *G_ += square;
        const T rate_of_g = static_cast<T>(scale_of_g());
        for (int64_t i = 0; i < this->n; ++i) d[i] = rate_of_g * squarable(g[i]);
        return d;
    }
    SKGD_SCALE { return {scale_of_g(), nullptr}; }

private:
    double scale_of_g() const { return *r_ / std::sqrt(*G_ + eps_); }

    double eps_;
    const T* w0_;
    double *r_, *G_;
};

template <class T>
class Prodigy final : public Optimizer<T> {
public:
    Prodigy(const Pass& pass, int64_t n)
        : Optimizer<T>(pass, n), beta1_(this->parameter(0)), beta2_(this->parameter(1)),
          eps_(this->parameter(2)), coefficient_(this->parameter(3)),
          w0_(this->state("w0")), m_(this->state("m")), v_(this->state("v")),
          s_(this->state("s")), r_(this->template state<double>("r")),
          D_(this->template state<double>("D")),
          rate_(this->template state<double>("rate")) {}
    SKGD_DIRECTION {
        T *SKGD_RESTRICT m = m_, *SKGD_RESTRICT v = v_;
        *rate_ = rate;
        const double step = *D_ * std::sqrt(1 - power2_(t)) * power1_.debias(t);
        estimate(w, g, rate * *D_ * step, m, v);
        const T numerator = static_cast<T>(step);
        const Root<T> root(*D_ * eps_);
        for (int64_t i = 0; i < this->n; ++i) d[i] = numerator * m[i] / root(v[i]);
        return d;
    }
    SKGD_SCALE {
        const T numerator = static_cast<T>(*D_ * *D_ * std::sqrt(1 - power2_(t)));
        const Root<T> root(*D_ * eps_);
        for (int64_t i = 0; i < this->n; ++i) scale_[i] = numerator / root(v_[i]);
        return {1, scale_};
    }

private:
    // Updates the averages, and D last.
    void estimate(const T* SKGD_RESTRICT w, const T* SKGD_RESTRICT g, double weight,
                  T* SKGD_RESTRICT m, T* SKGD_RESTRICT v) {
        const T* w0 = w0_;
        T* s = s_;
        const double beta3 = std::sqrt(beta2_);
        const Average<T> average1(beta1_), average2(beta2_), average3(beta3);
        const T D = static_cast<T>(*D_), of_g = static_cast<T>(weight);
        for (int64_t i = 0; i < this->n; ++i) {
            const T seen = squarable(D * squarable(g[i]));
            m[i] = average1(m[i], seen);
            v[i] = average2(v[i], seen * seen);
        }
        const double product = sum_over(this->n, [=](int64_t i) {
            return static_cast<double>(squarable(g[i]) * (w0[i] - w[i]));
        });
        const double size = sum_over(this->n, [=](int64_t i) {
            s[i] = average3(s[i], of_g * squarable(g[i]));
            return static_cast<double>(std::fabs(s[i]));
        });
        *r_ = beta3 * *r_ + (1 - beta3) * weight * product;
        if (size > 0) *D_ = at_least(coefficient_ * *r_ / size, *D_);
    }

    double beta1_, beta2_, eps_, coefficient_;
    Power power1_{beta1_}, power2_{beta2_};
    const T* w0_;
    T *m_, *v_, *s_;
    double *r_, *D_, *rate_;
};

// Both schedule-free ones. A step at a rate that vanishes is none.
template <class T>
class ScheduleFree final : public Optimizer<T> {
public:
    ScheduleFree(const Pass& pass, int64_t n, bool adam)
        : Optimizer<T>(pass, n), adam_(adam), beta1_(this->parameter(0)),
          beta2_(adam ? this->parameter(1) : 0), eps_(adam ? this->parameter(2) : 0),
          v_(adam ? this->state("v") : nullptr), z_(this->state("z")),
          largest_rate_(this->template state<double>("largest_rate")),
          sum_of_squares_(this->template state<double>("sum_of_squares")),
          rate_(this->template state<double>("rate")) {}
    SKGD_DIRECTION {
        *rate_ = rate;
        T eta = 0, of_u = 0, of_y = 0;
        if (!vanishes<T>(rate)) {
            *largest_rate_ = at_least(*largest_rate_, rate);
            const double square = *largest_rate_ * *largest_rate_;
            *sum_of_squares_ += square;
            const double c = square / *sum_of_squares_;
            eta = static_cast<T>(rate);
            of_u = static_cast<T>(1 - beta1_ * (1 - c));
            of_y = static_cast<T>(c / rate);
        }
        T* SKGD_RESTRICT z = z_;
        if (!adam_) {
            for (int64_t i = 0; i < this->n; ++i) {
                d[i] = of_u * g[i] + of_y * (w[i] - z[i]);
                z[i] -= eta * g[i];
            }
            return d;
        }
        T* SKGD_RESTRICT v = v_;
        const Average<T> average(beta2_);
        const Root<T> root(eps_);
        const T of_v = static_cast<T>(power2_.debias(t));
        for (int64_t i = 0; i < this->n; ++i) {
            const T gi = squarable(g[i]);
            v[i] = average(v[i], gi * gi);
            const T u = gi / root(v[i] * of_v);
            d[i] = of_u * u + of_y * (w[i] - z[i]);
            z[i] -= eta * u;
        }
        return d;
    }

private:
    bool adam_;
    double beta1_, beta2_, eps_;
    Power power2_{beta2_};
    T *v_, *z_;
    double *largest_rate_, *sum_of_squares_, *rate_;
};

#undef SKGD_DIRECTION
#undef SKGD_SCALE

// The twin of the optimizer, or null if there is none of the name.
template <class T>
Optimizer<T>* make_optimizer(const Pass& pass, int64_t n) {
    const auto is = [&](const char* name) {
        return !std::strcmp(pass.optimizer.name, name);
    };
    if (is("sgd")) return new SGD<T>(pass, n);
    if (is("momentum")) return new Momentum<T>(pass, n);
    if (is("nesterov")) return new Nesterov<T>(pass, n);
    if (is("adagrad")) return new AdaGrad<T>(pass, n);
    if (is("rmsprop")) return new RMSProp<T>(pass, n);
    if (is("adadelta")) return new AdaDelta<T>(pass, n);
    if (is("adam")) return new Adam<T>(pass, n);
    if (is("amsgrad")) return new Adam<T>(pass, n, Adam<T>::amsgrad);
    if (is("radam")) return new Adam<T>(pass, n, Adam<T>::rectified);
    if (is("yogi")) return new Adam<T>(pass, n, Adam<T>::yogi);
    if (is("adamax")) return new AdaMax<T>(pass, n);
    if (is("nadam")) return new NAdam<T>(pass, n);
    if (is("adabelief")) return new AdaBelief<T>(pass, n);
    if (is("lion")) return new Lion<T>(pass, n);
    if (is("rprop")) return new RProp<T>(pass, n);
    if (is("ftrl")) return new FTRL<T>(pass, n);
    if (is("cocob")) return new COCOB<T>(pass, n);
    if (is("dog")) return new DoG<T>(pass, n);
    if (is("prodigy")) return new Prodigy<T>(pass, n);
    if (is("schedule_free_sgd")) return new ScheduleFree<T>(pass, n, false);
    if (is("schedule_free_adamw")) return new ScheduleFree<T>(pass, n, true);
    return nullptr;
}

}  // namespace skgd::SKGD_ARCH
