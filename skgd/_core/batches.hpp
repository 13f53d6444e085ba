// The general pass: any loss, optimizer, penalty and kind of rows.
#pragma once

#include <cstdint>

#include "buffer.hpp"
#include "losses.hpp"
#include "order.hpp"
#include "pass.hpp"
#include "rows.hpp"
#include "signals.hpp"
#include "step.hpp"
#include "targets.hpp"

namespace skgd::SKGD_ARCH {

// A batch is taken in blocks that stay in the cache between their product with the
// weights and their part of the gradient. A Python loss sees the batch as a whole.
template <class T>
class Batches {
public:
    Batches(const Pass& pass, const Rows<T>& rows, const Loss<T>* loss)
        : pass_(pass), rows_(rows), loss_(loss), targets_(pass), order_(pass),
          signals_(pass.hooks), k_(rows.k),
          step_(pass, (rows.d + rows.fit_intercept) * k_, rows.d * k_) {
        const int64_t in_cache = rows.rows_in_cache() & ~int64_t{3};
        block_ = most<int64_t>(4, least<int64_t>(256, in_cache));
        block_ = least(block_, pass.batch_size);
        s_ = Buffer<T>(block_);
        if (!loss_) return;
        y_ = Buffer<T>(block_ * k_);
        z_ = Buffer<T>(block_ * k_);
        r_ = Buffer<T>(block_ * k_);
        values_ = Buffer<double>(block_);
    }

    double run() {
        double total = 0;
        const double* rate = pass_.rates;
        for (int64_t start = pass_.first; start < pass_.stop; start += pass_.batch_size) {
            const int64_t m = least(pass_.batch_size, pass_.stop - start);
            T* g = step_.zero_gradient();
            const double loss = loss_ ? gradient(start, m, g) : python_gradient(start, m, g);
            step_.take(*rate++);
            total += loss;
        }
        return total;
    }

private:
    double gradient(int64_t start, int64_t m, T* g) {
        double total = 0;
        const T* w = static_cast<const T*>(pass_.w);
        for (int64_t done = 0; done < m; done += block_) {
            const int64_t size = least(block_, m - done);
            const int64_t* rows = order_.at(start + done, size);
            targets_.gather_y(rows, size, y_.get());
            rows_.predict(rows, size, w, z_.get());
            loss_->evaluate(y_.get(), z_.get(), size, k_, r_.get(), values_.get());
            total += weigh(rows, size, m, r_.get(), values_.get());
            rows_.accumulate(rows, size, r_.get(), g);
            signals_.check(size * (rows_.d + 16));
        }
        return total;
    }

    double python_gradient(int64_t start, int64_t m, T* g) {
        T* y = static_cast<T*>(pass_.batch_y);
        T* z = static_cast<T*>(pass_.batch_z);
        T* r = static_cast<T*>(pass_.batch_r);
        const T* w = static_cast<const T*>(pass_.w);
        for (int64_t done = 0; done < m; done += block_) {
            const int64_t size = least(block_, m - done);
            const int64_t* rows = order_.at(start + done, size);
            targets_.gather_y(rows, size, y + done * k_);
            rows_.predict(rows, size, w, z + done * k_);
            signals_.check(size * (rows_.d + 16));
        }
        pass_.hooks.loss(pass_.hooks.self, m);
        double total = 0;
        for (int64_t done = 0; done < m; done += block_) {
            const int64_t size = least(block_, m - done);
            const int64_t* rows = order_.at(start + done, size);
            total += weigh(rows, size, m, r + done * k_, pass_.batch_values + done);
            rows_.accumulate(rows, size, r + done * k_, g);
        }
        return total;
    }

    // Takes the sample weights and the mean over the batch into r. Returns the sum of
    // the values.
    double weigh(const int64_t* rows, int64_t size, int64_t m, T* r,
                 const double* values) {
        const T n = static_cast<T>(m);
        double total = 0;
        if (!targets_.has_weights()) {
            for (int64_t i = 0; i < size; ++i) total += values[i];
            for (int64_t i = 0; i < size * k_; ++i) r[i] /= n;
            return total;
        }
        targets_.gather_weights(rows, size, s_.get());
        for (int64_t i = 0; i < size; ++i) {
            total += values[i] * s_[i];
            for (int64_t c = 0; c < k_; ++c) r[i * k_ + c] *= s_[i] / n;
        }
        return total;
    }

    const Pass& pass_;
    const Rows<T>& rows_;
    const Loss<T>* loss_;
    Targets<T> targets_;
    Order order_;
    Signals signals_;
    int64_t k_, block_;
    Step<T> step_;
    Buffer<T> s_, y_, z_, r_;
    Buffer<double> values_;
};

}  // namespace skgd::SKGD_ARCH
