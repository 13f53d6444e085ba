// The general pass: any loss, optimizer, penalty and kind of rows.
#pragma once

#include <cstdint>

#include "buffer.hpp"
#include "losses.hpp"
#include "order.hpp"
#include "pass.hpp"
#include "rows.hpp"
#include "scalars.hpp"
#include "signals.hpp"
#include "step.hpp"
#include "targets.hpp"

namespace skgd::SKGD_ARCH {

// The loss of a batch and its gradient. A batch is taken in blocks that stay in the
// cache between their product with the weights and their part of the gradient. A Python
// loss sees the batch as a whole.
template <class T>
class BatchLoss {
public:
    BatchLoss(const Pass& pass, const Rows<T>& rows, const Loss<T>* loss)
        : pass_(pass), rows_(rows), loss_(loss), targets_(pass), order_(pass),
          signals_(pass.hooks), k_(rows.k),
          block_(least(rows.block_size(), pass.batch_size)) {
        s_ = Buffer<T>(block_);
        if (!loss_) return;
        y_ = Buffer<T>(block_ * k_);
        z_ = Buffer<T>(block_ * k_);
        r_ = Buffer<T>(block_ * k_);
        values_ = Buffer<double>(block_);
    }

    // Returns the weighted sum over the m rows from position `start`; adds the gradient
    // of the mean to g, unless that is null.
    double add_gradient(int64_t start, int64_t m, T* g) {
        return loss_ ? compiled(start, m, g) : python(start, m, g);
    }

private:
    double compiled(int64_t start, int64_t m, T* g) {
        double total = 0;
        const T* w = static_cast<const T*>(pass_.w);
        for (int64_t done = 0; done < m; done += block_) {
            const int64_t size = least(block_, m - done);
            const int64_t* rows = order_.at(start + done, size);
            targets_.gather_y(rows, size, y_.get());
            rows_.predict(rows, size, w, z_.get(), g != nullptr);
            loss_->evaluate(y_.get(), z_.get(), size, k_, r_.get(), values_.get());
            total += weigh(rows, size, m, r_.get(), values_.get());
            if (g) rows_.accumulate(rows, size, r_.get(), g);
            signals_.check(size * (rows_.d + 16) * k_);
        }
        return total;
    }

    double python(int64_t start, int64_t m, T* g) {
        T* y = static_cast<T*>(pass_.batch_y);
        T* z = static_cast<T*>(pass_.batch_z);
        T* r = static_cast<T*>(pass_.batch_r);
        const T* w = static_cast<const T*>(pass_.w);
        for (int64_t done = 0; done < m; done += block_) {
            const int64_t size = least(block_, m - done);
            const int64_t* rows = order_.at(start + done, size);
            targets_.gather_y(rows, size, y + done * k_);
            rows_.predict(rows, size, w, z + done * k_, false);
            signals_.check(size * (rows_.d + 16) * k_);
        }
        pass_.hooks.loss(pass_.hooks.self, m);
        double total = 0;
        for (int64_t done = 0; done < m; done += block_) {
            const int64_t size = least(block_, m - done);
            const int64_t* rows = order_.at(start + done, size);
            total += weigh(rows, size, m, r + done * k_, pass_.batch_values + done);
            rows_.read(rows, size);
            rows_.accumulate(rows, size, r + done * k_, g);
            signals_.check(size * (rows_.d + 16) * k_);
        }
        return total;
    }

    // Takes the sample weights and the mean over the batch into r. Returns the sum of
    // the values.
    double weigh(const int64_t* rows, int64_t size, int64_t m, T* r,
                 const double* values) {
        const T n = static_cast<T>(m);
        if (!targets_.has_weights()) {
            for (int64_t i = 0; i < size * k_; ++i) r[i] /= n;
            return sum_over(size, [&](int64_t i) { return values[i]; });
        }
        targets_.gather_weights(rows, size, s_.get());
        for (int64_t i = 0; i < size; ++i)
            for (int64_t c = 0; c < k_; ++c) r[i * k_ + c] *= s_[i] / n;
        return sum_over(size, [&](int64_t i) { return values[i] * s_[i]; });
    }

    const Pass& pass_;
    const Rows<T>& rows_;
    const Loss<T>* loss_;
    Targets<T> targets_;
    Order order_;
    Signals signals_;
    int64_t k_, block_;
    Buffer<T> s_, y_, z_, r_;
    Buffer<double> values_;
};

template <class T>
double run_batches(const Pass& pass, const Rows<T>& rows, const Loss<T>* loss) {
    BatchLoss<T> batch(pass, rows, loss);
    Step<T> step(pass, (rows.d + rows.fit_intercept) * rows.k, rows.d * rows.k);
    double total = 0;
    const double* rate = pass.rates;
    for (int64_t start = pass.first; start < pass.stop; start += pass.batch_size) {
        const int64_t m = least(pass.batch_size, pass.stop - start);
        const double sum = batch.add_gradient(start, m, step.zero_gradient());
        step.take(*rate++);
        total += sum;
    }
    return total;
}

}  // namespace skgd::SKGD_ARCH
