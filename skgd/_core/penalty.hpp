// The compiled twin of every penalty in skgd/penalties.py: they are all an elastic
// net within bounds.
#pragma once

#include <cstdint>

#include "pass.hpp"
#include "scalars.hpp"
#include "scale.hpp"

namespace skgd::SKGD_ARCH {

template <class T>
class Penalty {
public:
    Penalty(const PenaltyTwin& twin, double alpha, int64_t n)
        : l1_(alpha * twin.l1), l2_(alpha * twin.l2), in_prox_(twin.in_prox),
          lower_(static_cast<const T*>(twin.lower)),
          upper_(static_cast<const T*>(twin.upper)), n_(n) {}

    bool has_bounds() const { return lower_; }
    bool has_prox() const { return l1_ > 0 || shrinks() || has_bounds(); }

    // g += alpha · gradient(w)
    void add_gradient(const T* SKGD_RESTRICT w, T* SKGD_RESTRICT g) const {
        if (l2_ == 0 || in_prox_) return;
        const T l2 = static_cast<T>(l2_);
        for (int64_t i = 0; i < n_; ++i) g[i] += l2 * w[i];
    }

    void prox(T* SKGD_RESTRICT w, double rate, const Scale<T>& scale) const {
        if (scale.each && l1_ > 0) {
            const T step = static_cast<T>(rate * l1_);
            const T* each = scale.each;
            for (int64_t i = 0; i < n_; ++i) w[i] = soft_threshold(w[i], step * each[i]);
        } else if (l1_ > 0) {
            const T step = static_cast<T>(rate * l1_ * scale.all);
            for (int64_t i = 0; i < n_; ++i) w[i] = soft_threshold(w[i], step);
        }
        if (shrinks()) shrink(w, rate, scale);
        if (has_bounds()) clip(w);
    }

    static SKGD_INLINE T soft_threshold(T w, T threshold) {
        return w - at_least(at_most(w, threshold), -threshold);
    }

private:
    bool shrinks() const { return in_prox_ && l2_ > 0; }

    void shrink(T* SKGD_RESTRICT w, double rate, const Scale<T>& scale) const {
        const T step = static_cast<T>(rate * l2_ * scale.all);
        const T* each = scale.each;
        if (each)
            for (int64_t i = 0; i < n_; ++i) w[i] *= 1 / (1 + step * each[i]);
        else
            for (int64_t i = 0; i < n_; ++i) w[i] *= 1 / (1 + step);
    }

    void clip(T* SKGD_RESTRICT w) const {
        for (int64_t i = 0; i < n_; ++i)
            w[i] = at_most(at_least(w[i], lower_[i]), upper_[i]);
    }

    double l1_, l2_;
    bool in_prox_;
    const T *lower_, *upper_;
    int64_t n_;
};

}  // namespace skgd::SKGD_ARCH
