// One optimizer step: from the gradient of a batch to the new weights.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>

#include "buffer.hpp"
#include "optimizers.hpp"
#include "pass.hpp"
#include "penalty.hpp"

namespace skgd::SKGD_ARCH {

template <class T>
class Step {
public:
    // n weights, of which the first n_coef are not intercepts.
    Step(const Pass& pass, int64_t n, int64_t n_coef)
        : pass_(pass), n_(n), n_coef_(n_coef), w_(static_cast<T*>(pass.w)),
          average_(static_cast<T*>(pass.average)),
          optimizer_(pass.optimizer.name ? make_optimizer<T>(pass, n) : nullptr),
          penalty_(pass.penalty, pass.alpha, n_coef) {
        if (pass.optimizer.name && !optimizer_) throw "there is no such optimizer";
        g_ = array(pass.g, own_g_);
        d_ = array(pass.d, own_d_);
        scale_ = array(pass.scale, own_scale_);
        if (calls_python()) before_ = Buffer<char>(n_bytes());
    }

    // Where the loss's part of the gradient is to be added up.
    T* zero_gradient() {
        std::memset(g_, 0, static_cast<size_t>(n_) * sizeof(T));
        return g_;
    }

    // If a Python object throws, weights and state are as before the step.
    void take(double rate) {
        if (!calls_python()) {
            move(rate);
        } else {
            save();
            try {
                move(rate);
            } catch (...) {
                restore();
                throw;
            }
        }
        if (pass_.average_from >= 0 && *pass_.t >= pass_.average_from) average();
    }

private:
    bool calls_python() const { return !optimizer_ || pass_.penalty.python; }

    T* array(void* given, Buffer<T>& own) const {
        if (given) return static_cast<T*>(given);
        own = Buffer<T>(n_);
        return own.get();
    }

    void move(double rate) {
        if (pass_.penalty.python)
            pass_.hooks.penalty_gradient(pass_.hooks.self);
        else
            penalty_.add_gradient(w_, g_);
        if (pass_.clip_norm >= 0) clip();
        const int64_t t = *pass_.t + 1;
        const T* d = d_;
        if (optimizer_)
            d = optimizer_->direction(w_, g_, t, rate, d_);
        else
            pass_.hooks.direction(pass_.hooks.self, t, rate);
        const bool needs_scale = pass_.penalty.python || penalty_.has_prox();
        const Scale<T> scale = needs_scale ? metric(t, rate) : Scale<T>{1, nullptr};
        subtract(d, rate);
        if (pass_.penalty.python)
            prox(rate, scale);
        else
            penalty_.prox(w_, rate, scale);
        *pass_.t = t;
    }

    Scale<T> metric(int64_t t, double rate) {
        if (!optimizer_) return {1, scale_};
        return optimizer_->scale(w_, g_, t, rate, scale_);
    }

    void subtract(const T* SKGD_RESTRICT d, double rate) {
        T* SKGD_RESTRICT w = w_;
        const T eta = static_cast<T>(rate);
        const T decay = static_cast<T>(pass_.weight_decay);
        if (decay == 0) {
            for (int64_t i = 0; i < n_; ++i) w[i] -= eta * d[i];
            return;
        }
        for (int64_t i = 0; i < n_coef_; ++i) w[i] -= eta * (d[i] + decay * w[i]);
        for (int64_t i = n_coef_; i < n_; ++i) w[i] -= eta * d[i];
    }

    void prox(double rate, const Scale<T>& scale) {
        if (!scale.each)
            for (int64_t i = 0; i < n_; ++i) scale_[i] = static_cast<T>(scale.all);
        pass_.hooks.prox(pass_.hooks.self, rate);
    }

    void clip() {
        double square = 0;
        for (int64_t i = 0; i < n_; ++i) square += double(g_[i]) * double(g_[i]);
        const double length = std::sqrt(square);
        if (!(length > pass_.clip_norm)) return;
        const T factor = static_cast<T>(pass_.clip_norm / length);
        for (int64_t i = 0; i < n_; ++i) g_[i] *= factor;
    }

    void average() {
        const double n = static_cast<double>(++*pass_.n_averaged);
        const double power = pass_.average_power;
        const T share = static_cast<T>((power + 1) / (power + n));
        for (int64_t i = 0; i < n_; ++i) average_[i] += (w_[i] - average_[i]) * share;
    }

    int64_t n_bytes() const {
        int64_t n = n_ * static_cast<int64_t>(sizeof(T));
        for (int i = 0; i < pass_.n_state; ++i) n += pass_.state[i].n_bytes;
        return n;
    }

    void save() {
        each_array([](void* array, char* copy, size_t n) { std::memcpy(copy, array, n); });
    }
    void restore() {
        each_array([](void* array, char* copy, size_t n) { std::memcpy(array, copy, n); });
    }
    template <class F>
    void each_array(const F& f) {
        char* copy = before_.get();
        const int64_t n = n_ * static_cast<int64_t>(sizeof(T));
        f(w_, copy, static_cast<size_t>(n));
        copy += n;
        for (int i = 0; i < pass_.n_state; ++i) {
            f(pass_.state[i].data, copy, static_cast<size_t>(pass_.state[i].n_bytes));
            copy += pass_.state[i].n_bytes;
        }
    }

    const Pass& pass_;
    int64_t n_, n_coef_;
    T *w_, *average_;
    std::unique_ptr<Optimizer<T>> optimizer_;
    Penalty<T> penalty_;
    T *g_, *d_, *scale_;
    Buffer<T> own_g_, own_d_, own_scale_;
    Buffer<char> before_;
};

}  // namespace skgd::SKGD_ARCH
