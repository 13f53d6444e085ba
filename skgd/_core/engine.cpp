// One pass over the data, compiled once for each architecture (see CMakeLists.txt).
#include <memory>
#include <utility>

#include "batches.hpp"
#include "engine.hpp"
#include "lazy.hpp"
#include "losses.hpp"
#include "moments.hpp"
#include "rows_csr.hpp"
#include "rows_dense.hpp"
#include "rows_standardized.hpp"
#include "scalars.hpp"
#include "singles.hpp"

namespace skgd::SKGD_ARCH {

namespace {

template <class T>
std::unique_ptr<const Loss<T>> loss_of(const Pass& pass) {
    if (!pass.loss.name) return nullptr;
    std::unique_ptr<const Loss<T>> loss(make_loss<T>(pass.loss, pass.n_outputs));
    if (!loss) throw "there is no such loss";
    if (!pass.units.center) return loss;
    return std::make_unique<LossInUnits<T>>(std::move(loss), pass.units);
}

// Calls f with the rows of the kind that the data has.
template <class T, class F>
double with_rows(const Pass& pass, const F& f) {
    const int64_t d = pass.n_features, k = pass.n_outputs ? pass.n_outputs : 1;
    const auto csr = [&](auto index) {
        return f(RowsCSR<T, decltype(index)>(pass.X, pass.indices, pass.indptr,
                                             pass.n_samples, d, k, pass.fit_intercept,
                                             pass.units));
    };
    if (pass.indptr.data && pass.indptr.type == Type::int32) return csr(int32_t{});
    if (pass.indptr.data) return csr(int64_t{});
    const RowsDense<T> rows(static_cast<const T*>(pass.X.data), pass.X.stride, d, k,
                            pass.fit_intercept, pass.batch_size);
    return pass.units.center ? f(RowsStandardized<T>(rows, pass.units)) : f(rows);
}

template <class T, class Index>
double run(const Pass& pass, const RowsCSR<T, Index>& rows, const Loss<T>* loss) {
    return is_lazy<T>(pass) ? run_lazy(pass, rows, loss)
                            : run_batches<T>(pass, rows, loss);
}

template <class T, class Dense>
double run(const Pass& pass, const Dense& rows, const Loss<T>* loss) {
    return is_single(pass) ? run_singles<T>(pass, rows, loss)
                           : run_batches<T>(pass, rows, loss);
}

// The loss; NaN if a weight is not finite.
template <class T>
double run_checked(const Pass& pass) {
    const auto loss = loss_of<T>(pass);
    const double total = with_rows<T>(
        pass, [&](const auto& rows) { return run(pass, rows, loss.get()); });
    const T* w = static_cast<const T*>(pass.w);
    const int64_t k = pass.n_outputs ? pass.n_outputs : 1;
    T zero = 0;
    for (int64_t i = 0; i < (pass.n_features + pass.fit_intercept) * k; ++i)
        zero += w[i] * 0;
    return total + static_cast<double>(zero);
}

template <class T>
double evaluate_typed(const Pass& pass) {
    const auto loss = loss_of<T>(pass);
    return with_rows<T>(pass, [&](const auto& rows) {
        BatchLoss<T> all(pass, rows, loss.get());
        return all.add_gradient(0, pass.n_samples, static_cast<T*>(pass.g));
    });
}

}  // namespace

double run_pass(const Pass& pass) {
    return pass.X.type == Type::float32 ? run_checked<float>(pass)
                                        : run_checked<double>(pass);
}

double evaluate(const Pass& pass) {
    return pass.X.type == Type::float32 ? evaluate_typed<float>(pass)
                                        : evaluate_typed<double>(pass);
}

void add_moments(const ColumnMoments& columns) {
    columns.X.type == Type::float32 ? add_moments_of<float>(columns)
                                    : add_moments_of<double>(columns);
}

template <class Index>
void permutation(int64_t n, uint64_t seed, uint64_t epoch, Index* rows) {
    const Shuffle shuffle(n, seed, epoch);
    for (int64_t start = 0; start < n; start += Shuffle::chunk_size) {
        const int64_t stop = least(n, start + Shuffle::chunk_size);
        shuffle.chunk(start, stop, rows + start);
    }
}

template void permutation<int32_t>(int64_t, uint64_t, uint64_t, int32_t*);
template void permutation<int64_t>(int64_t, uint64_t, uint64_t, int64_t*);

}  // namespace skgd::SKGD_ARCH
