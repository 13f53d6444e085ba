// The compiled twins of skgd/losses.py.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <utility>

#include "elementary.hpp"
#include "pass.hpp"
#include "scalars.hpp"

namespace skgd::SKGD_ARCH {

// Steps of plain gradient descent with one row each, for a few rows x_i whose products
// are known (see singles.hpp). After each, w is shrink · w_0 + sum of q_i x_i. The loss
// sees offset + unit · (x w + intercept).
template <class T>
struct Chain {
    static constexpr int max_rows = 4;
    T y[max_rows], weight[max_rows], rate[max_rows];
    T z[max_rows];  // unit · x_i w_0; becomes what the loss sees before step i
    T gram[max_rows][max_rows];  // [j][i] = unit · x_j x_i for j < i
    T q[max_rows];
    T shrink, intercept, decay, offset, unit;
    bool fit_intercept;

    // A prediction waits for nothing but the step before it: that step's part, with the
    // intercept's in it, is added last.
    template <int R, class Slope>
    SKGD_INLINE void run(const Slope& slope) {
        const T one = fit_intercept ? T(1) : T(0);
        T moves[R], shrunk = 1, b = intercept, last = 0;
        for (int i = 0; i < R; ++i) {
            T zi = shrunk * z[i] + (offset + unit * b);
            for (int j = 0; j < i - 1; ++j) zi += moves[j] * gram[j][i];
            if (i > 0) zi += last * (gram[i - 1][i] + unit * one);
            z[i] = zi;
            b += last * one;
            last = -rate[i] * weight[i] * slope(y[i], zi);
            const T keep = 1 - rate[i] * decay;
            shrunk *= keep;
            for (int j = 0; j < i; ++j) moves[j] *= keep;
            moves[i] = last;
        }
        for (int i = 0; i < R; ++i) q[i] = moves[i];
        shrink = shrunk;
        intercept = b + last * one;
    }
};

// y and z have m rows of k columns.
template <class T>
class Loss {
public:
    virtual ~Loss() {}
    // Writes the derivatives r = ∂value/∂z and the value of each row.
    virtual void evaluate(const T* SKGD_RESTRICT y, const T* SKGD_RESTRICT z, int64_t m,
                          int64_t k, T* SKGD_RESTRICT r,
                          double* SKGD_RESTRICT values) const = 0;
    // For a single output: the steps of a chain of one row or of four, and the values.
    virtual void one(Chain<T>& chain) const = 0;
    virtual void four(Chain<T>& chain) const = 0;
    virtual void values(const T* SKGD_RESTRICT y, const T* SKGD_RESTRICT z, int64_t m,
                        double* SKGD_RESTRICT values) const = 0;
};

// A loss of one column at a time, from a formula with value(y, z) and slope(y, z).
template <class T, class Formula>
class Elementwise final : public Loss<T> {
public:
    explicit Elementwise(const double* parameters) : formula_(parameters) {}

    void evaluate(const T* SKGD_RESTRICT y, const T* SKGD_RESTRICT z, int64_t m,
                  int64_t k, T* SKGD_RESTRICT r,
                  double* SKGD_RESTRICT values) const override {
        const Formula f = formula_;
        for (int64_t i = 0; i < m * k; ++i) r[i] = saturate(f.slope(y[i], z[i]));
        if (k == 1) return this->values(y, z, m, values);
        for (int64_t i = 0; i < m; ++i) {
            values[i] = 0;
            for (int64_t c = i * k; c < (i + 1) * k; ++c)
                values[i] += saturate(f.value(y[c], z[c]));
        }
    }

    void one(Chain<T>& chain) const override { run<1>(chain); }
    void four(Chain<T>& chain) const override { run<4>(chain); }

    void values(const T* SKGD_RESTRICT y, const T* SKGD_RESTRICT z, int64_t m,
                double* SKGD_RESTRICT values) const override {
        const Formula f = formula_;
        for (int64_t i = 0; i < m; ++i) values[i] = saturate(f.value(y[i], z[i]));
    }

private:
    template <int R>
    void run(Chain<T>& chain) const {
        const Formula f = formula_;
        chain.template run<R>([&](T y, T z) { return saturate(f.slope(y, z)); });
    }

    Formula formula_;
};

template <class T>
struct SquaredError {
    explicit SquaredError(const double*) {}
    T value(T y, T z) const { return T(0.5) * (y - z) * (y - z); }
    T slope(T y, T z) const { return z - y; }
};

template <class T>
struct AbsoluteError {
    explicit AbsoluteError(const double*) {}
    T value(T y, T z) const { return std::fabs(z - y); }
    T slope(T y, T z) const { return z - y == z - y ? sign(z - y) : z - y; }
};

template <class T>
struct Huber {
    T delta;
    explicit Huber(const double* p) : delta(static_cast<T>(p[0])) {}
    T value(T y, T z) const {
        const T distance = std::fabs(z - y), inside = at_most(distance, delta);
        return inside * (distance - T(0.5) * inside);
    }
    T slope(T y, T z) const { return at_least(at_most(z - y, delta), -delta); }
};

template <class T>
struct PseudoHuber {
    T delta;
    explicit PseudoHuber(const double* p) : delta(static_cast<T>(p[0])) {}
    T value(T y, T z) const {
        const T e = z - y;
        return delta * std::tan(T(0.5) * std::atan(e / delta)) * e;
    }
    T slope(T y, T z) const { return delta * std::sin(std::atan((z - y) / delta)); }
};

template <class T>
struct LogCosh {
    explicit LogCosh(const double*) {}
    T value(T y, T z) const {
        const T distance = std::fabs(z - y);
        if (distance < 1) {
            const T s = std::sinh(T(0.5) * distance);
            return std::log1p(2 * s * s);
        }
        return distance + std::log1p(std::exp(-2 * distance)) - T(0.6931471805599453);
    }
    T slope(T y, T z) const { return std::tanh(z - y); }
};

template <class T>
struct Quantile {
    T level;
    explicit Quantile(const double* p) : level(static_cast<T>(p[0])) {}
    T value(T y, T z) const { return z > y ? (1 - level) * (z - y) : level * (y - z); }
    T slope(T y, T z) const { return z > y ? 1 - level : z < y ? -level : T(0); }
};

template <class T>
struct EpsilonInsensitive {
    T epsilon;
    explicit EpsilonInsensitive(const double* p) : epsilon(static_cast<T>(p[0])) {}
    T value(T y, T z) const { return at_least(std::fabs(z - y) - epsilon, T(0)); }
    T slope(T y, T z) const {
        return std::fabs(z - y) > epsilon ? sign(z - y) : T(0);
    }
};

template <class T>
struct SquaredEpsilonInsensitive {
    T epsilon;
    explicit SquaredEpsilonInsensitive(const double* p)
        : epsilon(static_cast<T>(p[0])) {}
    T value(T y, T z) const {
        const T beyond = at_least(std::fabs(z - y) - epsilon, T(0));
        return beyond * beyond;
    }
    T slope(T y, T z) const {
        return 2 * sign(z - y) * at_least(std::fabs(z - y) - epsilon, T(0));
    }
};

// Poisson, gamma and Tweedie: see _HalfDeviance.
template <class T>
struct HalfDeviance {
    double power;
    explicit HalfDeviance(const double* p) : power(p[0]) {}
    T value(T y, T z) const {
        const T a = static_cast<T>(2 - power), b = static_cast<T>(1 - power);
        z = at_most(z, std::log(std::numeric_limits<T>::max()));
        const T d = y > 0 ? z - std::log(y) : T(0);
        return difference(y, z, d, a) - std::pow(y, a) * expm1_over(b, d);
    }
    T slope(T y, T z) const {
        constexpr T limit = std::numeric_limits<T>::max();
        const T reciprocal = at_most(std::exp(static_cast<T>(1 - power) * z), limit);
        return std::exp(static_cast<T>(2 - power) * z) - y * reciprocal;
    }

private:
    static T difference(T y, T z, T d, T a) {
        if (a == 0) return d;
        if (y > 0 && a * d < 1) return std::pow(y, a) * expm1_over(a, d);
        return (std::exp(a * z) - std::pow(y, a)) / a;
    }
    static T expm1_over(T a, T d) { return a == 0 ? d : std::expm1(a * d) / a; }
};

template <class T>
struct Logistic {
    explicit Logistic(const double*) {}
    T value(T y, T z) const {
        const T x = -y * z;  // log(1 + exp(x))
        return at_least(x, T(0)) + log1p_inline(exp_inline(-std::fabs(x)));
    }
    T slope(T y, T z) const { return -y / (1 + exp_inline(y * z)); }
};

template <class T>
struct Hinge {
    explicit Hinge(const double*) {}
    T value(T y, T z) const { return at_least(1 - y * z, T(0)); }
    T slope(T y, T z) const { return y * z < 1 ? -y : T(0); }
};

template <class T>
struct SquaredHinge {
    explicit SquaredHinge(const double*) {}
    T value(T y, T z) const {
        const T lack = at_least(1 - y * z, T(0));
        return lack * lack;
    }
    T slope(T y, T z) const { return -2 * y * at_least(1 - y * z, T(0)); }
};

template <class T>
struct ModifiedHuber {
    explicit ModifiedHuber(const double*) {}
    T value(T y, T z) const {
        const T margin = y * z, lack = at_least(1 - margin, T(0));
        return margin < -1 ? -4 * margin : lack * lack;
    }
    T slope(T y, T z) const { return -2 * y * at_most(at_least(1 - y * z, T(0)), T(2)); }
};

template <class T>
struct Perceptron {
    explicit Perceptron(const double*) {}
    T value(T y, T z) const { return at_least(-y * z, T(0)); }
    T slope(T y, T z) const { return y * z <= 0 ? -y : T(0); }
};

// Multinomial logistic loss, for more than one column.
template <class T>
class Softmax final : public Loss<T> {
public:
    // All exponentials in one loop: a row may be shorter than a vector.
    void evaluate(const T* SKGD_RESTRICT y, const T* SKGD_RESTRICT z, int64_t m,
                  int64_t k, T* SKGD_RESTRICT r,
                  double* SKGD_RESTRICT values) const override {
        for (int64_t i = 0; i < m; ++i)
            values[i] = subtract_largest(y + i * k, z + i * k, k, r + i * k);
        for (int64_t i = 0; i < m * k; ++i) r[i] = exp_inline(r[i]);
        for (int64_t i = 0; i < m; ++i) {
            const T others = gradient(y + i * k, k, r + i * k);
            values[i] = saturate(static_cast<T>(values[i]) + std::log1p(others));
        }
    }
    void one(Chain<T>&) const override {}
    void four(Chain<T>&) const override {}
    void values(const T* SKGD_RESTRICT, const T* SKGD_RESTRICT, int64_t,
                double* SKGD_RESTRICT) const override {}

private:
    // Returns how far the class itself is behind the largest.
    static T subtract_largest(const T* y, const T* z, int64_t k, T* r) {
        T z_c = 0, largest = z[0];
        for (int64_t c = 0; c < k; ++c) {
            z_c += y[c] > 0 ? z[c] : T(0);
            largest = z[c] <= largest ? largest : z[c];
        }
        for (int64_t c = 0; c < k; ++c) r[c] = z[c] - largest;
        return saturate(largest - z_c);
    }

    // From exponentials to derivatives. Returns the sum of the exponentials without
    // the largest, which is 1: log1p of it is exact where it is small.
    static T gradient(const T* y, int64_t k, T* r) {
        int64_t best = 0;
        while (best < k - 1 && !(r[best] == 1)) ++best;
        T others = 0;
        for (int64_t c = 0; c < k; ++c) others += c == best ? T(0) : r[c];
        const T total = r[best] + others;
        T wrong = 0;
        for (int64_t c = 0; c < k; ++c) {
            r[c] = y[c] > 0 ? T(0) : r[c] / total;
            wrong += r[c];
        }
        // Probability − 1 for the class itself, without the cancellation.
        for (int64_t c = 0; c < k; ++c) r[c] = y[c] > 0 ? -wrong : r[c];
        return others;
    }
};

// A loss of raw predictions in other units than those of the targets.
template <class T>
class LossInUnits final : public Loss<T> {
public:
    LossInUnits(std::unique_ptr<const Loss<T>> loss, const Units& units)
        : loss_(std::move(loss)), offset_(static_cast<const T*>(units.offset)),
          unit_(static_cast<const T*>(units.unit)),
          residual_scale_(static_cast<const T*>(units.residual_scale)) {}

    void evaluate(const T* SKGD_RESTRICT y, const T* SKGD_RESTRICT z, int64_t m,
                  int64_t k, T* SKGD_RESTRICT r,
                  double* SKGD_RESTRICT values) const override {
        T* raw = raw_.get(m * k);
        for (int64_t i = 0; i < m; ++i)
            for (int64_t c = 0; c < k; ++c)
                raw[i * k + c] = offset_[c] + unit_[c] * z[i * k + c];
        loss_->evaluate(y, raw, m, k, r, values);
        for (int64_t i = 0; i < m; ++i)
            for (int64_t c = 0; c < k; ++c) r[i * k + c] *= residual_scale_[c];
    }
    // The chain has the units, and gives predictions in those of the targets.
    void one(Chain<T>& chain) const override { loss_->one(chain); }
    void four(Chain<T>& chain) const override { loss_->four(chain); }
    void values(const T* SKGD_RESTRICT y, const T* SKGD_RESTRICT z, int64_t m,
                double* SKGD_RESTRICT values) const override {
        loss_->values(y, z, m, values);
    }

private:
    std::unique_ptr<const Loss<T>> loss_;
    const T *offset_, *unit_, *residual_scale_;
    Scratch<T> raw_;
};

// The twin of the loss, or null if there is none of the name.
template <class T>
const Loss<T>* make_loss(const Twin& twin, int64_t n_outputs) {
    const double* p = twin.parameters;
    const auto is = [&](const char* name) { return !std::strcmp(twin.name, name); };
    if (is("squared_error")) return new Elementwise<T, SquaredError<T>>(p);
    if (is("absolute_error")) return new Elementwise<T, AbsoluteError<T>>(p);
    if (is("huber")) return new Elementwise<T, Huber<T>>(p);
    if (is("pseudo_huber")) return new Elementwise<T, PseudoHuber<T>>(p);
    if (is("log_cosh")) return new Elementwise<T, LogCosh<T>>(p);
    if (is("quantile")) return new Elementwise<T, Quantile<T>>(p);
    if (is("epsilon_insensitive")) return new Elementwise<T, EpsilonInsensitive<T>>(p);
    if (is("squared_epsilon_insensitive"))
        return new Elementwise<T, SquaredEpsilonInsensitive<T>>(p);
    if (is("half_deviance")) return new Elementwise<T, HalfDeviance<T>>(p);
    if (is("log_loss") && n_outputs > 0) return new Softmax<T>();
    if (is("log_loss")) return new Elementwise<T, Logistic<T>>(p);
    if (is("hinge")) return new Elementwise<T, Hinge<T>>(p);
    if (is("squared_hinge")) return new Elementwise<T, SquaredHinge<T>>(p);
    if (is("modified_huber")) return new Elementwise<T, ModifiedHuber<T>>(p);
    if (is("perceptron")) return new Elementwise<T, Perceptron<T>>(p);
    return nullptr;
}

}  // namespace skgd::SKGD_ARCH
