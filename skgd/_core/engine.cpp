// One pass over the data, compiled once for each architecture (see CMakeLists.txt).
#include "batches.hpp"
#include "engine.hpp"
#include "lazy.hpp"
#include "losses.hpp"
#include "rows_csr.hpp"
#include "rows_dense.hpp"
#include "singles.hpp"

namespace skgd::SKGD_ARCH {

namespace {

template <class T>
double run_rows(const Pass& pass, const Rows<T>& rows, const Loss<T>* loss) {
    return Batches<T>(pass, rows, loss).run();
}

template <class T, class Index>
double run_csr(const Pass& pass, const Loss<T>* loss) {
    const RowsCSR<T, Index> rows(pass.X, pass.indices, pass.indptr, pass.n_samples,
                                 pass.n_features, pass.n_outputs ? pass.n_outputs : 1,
                                 pass.fit_intercept);
    if (is_lazy<T>(pass)) return run_lazy(pass, rows, loss);
    return run_rows<T>(pass, rows, loss);
}

template <class T>
double run_typed(const Pass& pass) {
    struct Owner {
        const Loss<T>* loss;
        ~Owner() { delete loss; }
    } owner{pass.loss.name ? make_loss<T>(pass.loss, pass.n_outputs) : nullptr};
    if (pass.loss.name && !owner.loss) throw "there is no such loss";
    if (pass.indptr.data && pass.indptr.type == Type::int32)
        return run_csr<T, int32_t>(pass, owner.loss);
    if (pass.indptr.data) return run_csr<T, int64_t>(pass, owner.loss);
    const RowsDense<T> rows(pass.X, pass.n_features,
                            pass.n_outputs ? pass.n_outputs : 1, pass.fit_intercept);
    if (is_single(pass)) return run_singles<T>(pass, rows, owner.loss);
    return run_rows<T>(pass, rows, owner.loss);
}

// The loss; NaN if a weight is not finite.
template <class T>
double run_checked(const Pass& pass) {
    const double total = run_typed<T>(pass);
    const T* w = static_cast<const T*>(pass.w);
    const int64_t k = pass.n_outputs ? pass.n_outputs : 1;
    T zero = 0;
    for (int64_t i = 0; i < (pass.n_features + pass.fit_intercept) * k; ++i)
        zero += w[i] * 0;
    return total + static_cast<double>(zero);
}

}  // namespace

double run_pass(const Pass& pass) {
    return pass.X.type == Type::float32 ? run_checked<float>(pass)
                                        : run_checked<double>(pass);
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
