// The targets and sample weights of a batch, gathered into arrays of its own.
#pragma once

#include <cstdint>

#include "buffer.hpp"
#include "order.hpp"
#include "pass.hpp"

namespace skgd::SKGD_ARCH {

template <class T>
class Targets {
public:
    explicit Targets(const Pass& pass)
        : y_(pass.y), k_(pass.n_outputs ? pass.n_outputs : 1),
          weight_(pass.sample_weight) {}

    // Classes come as codes and leave as +1 in their column and -1 in the others.
    void gather_y(const int64_t* rows, int64_t m, T* y) const {
        switch (y_.type) {
            case Type::float32: return values<float>(rows, m, y);
            case Type::float64: return values<double>(rows, m, y);
            case Type::int32: return codes<int32_t>(rows, m, y);
            case Type::int64: return codes<int64_t>(rows, m, y);
        }
    }

    bool has_weights() const { return weight_.data; }

    // Ones if there are none.
    void gather_weights(const int64_t* rows, int64_t m, T* s) const {
        if (!weight_.data)
            for (int64_t i = 0; i < m; ++i) s[i] = 1;
        else if (weight_.type == Type::float32)
            gather<float>(weight_, rows, m, 1, s);
        else
            gather<double>(weight_, rows, m, 1, s);
    }

private:
    // That of the prefetches: each target has a line of the cache to itself.
    static constexpr int64_t distance = 63;

    template <class V>
    void values(const int64_t* rows, int64_t m, T* y) const {
        gather<V>(y_, rows, m, k_, y);
    }

    template <class V>
    static void gather(const Array& from, const int64_t* rows, int64_t m, int64_t k,
                       T* to) {
        const V* data = static_cast<const V*>(from.data);
        if (k == 1) {
            for (int64_t i = 0; i < m; ++i) {
                prefetch(data + rows[i + distance] * from.stride);
                to[i] = static_cast<T>(data[rows[i] * from.stride]);
            }
            return;
        }
        for (int64_t i = 0; i < m; ++i)
            for (int64_t c = 0; c < k; ++c)
                to[i * k + c] = static_cast<T>(data[rows[i] * from.stride + c]);
    }

    template <class V>
    void codes(const int64_t* rows, int64_t m, T* y) const {
        const V* data = static_cast<const V*>(y_.data);
        for (int64_t i = 0; i < m; ++i) {
            prefetch(data + rows[i + distance] * y_.stride);
            for (int64_t c = 0; c < k_; ++c) y[i * k_ + c] = -1;
            y[i * k_ + data[rows[i] * y_.stride]] = 1;
        }
    }

    Array y_;
    int64_t k_;
    Array weight_;
};

}  // namespace skgd::SKGD_ARCH
