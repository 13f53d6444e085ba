// What one pass over the data needs: plain data that the bindings fill in and the
// engine of the processor's architecture works on.
#pragma once

#include <cstdint>

namespace skgd {

enum class Type { float32, float64, int32, int64 };

// A one- or two-dimensional array of the caller. Rows are `stride` elements apart,
// the elements of a row follow each other.
struct Array {
    const void* data = nullptr;
    Type type = Type::float64;
    int64_t stride = 1;
};

struct StateArray {
    const char* name;
    void* data;
    int64_t n_bytes;
};

// A loss or an optimizer: the name of its compiled twin and its parameters in the
// order of the twin, or no name for a Python object that a hook calls.
struct Twin {
    const char* name = nullptr;
    double parameters[8] = {};
};

// alpha · (l2 · ½|w|² + l1 · |w|) within bounds, or a Python object. The square is in
// the gradient or, as the rest, in the proximal operator.
struct PenaltyTwin {
    bool python = false, in_prox = false;
    double l1 = 0, l2 = 0;
    const void* lower = nullptr;
    const void* upper = nullptr;
};

// skgd/_standardization.py: two arrays of n_features and three of one number for each
// output, all of the type of X; null if there are no units.
struct Units {
    const void *center = nullptr, *inverse_scale = nullptr;
    const void *offset = nullptr, *unit = nullptr, *residual_scale = nullptr;
};

// Calls into Python. They may throw. They communicate by the arrays of Pass.
struct Hooks {
    void* self;
    void (*loss)(void* self, int64_t n_rows);                     // y, z -> r, values
    void (*direction)(void* self, int64_t t, double rate);        // w, g -> d, scale
    void (*penalty_gradient)(void* self);                         // w -> g
    void (*prox)(void* self, double rate);                        // w, scale -> w
    void (*check_signals)(void* self);
};

struct Pass {
    static constexpr int max_state = 32;

    // Dense rows, or CSR if there is an indptr.
    Array X, indices, indptr;
    int64_t n_samples, n_features;
    int64_t n_outputs;  // 0: y and w have one dimension
    bool fit_intercept;
    Units units;
    Array y;  // integers are class codes
    Array sample_weight;

    // The rows in their order, shuffled or not, are visited from position `first` to
    // before `stop`: a part of an epoch, of whole batches.
    int64_t first, stop;
    bool shuffle;
    uint64_t seed, epoch;

    Twin loss, optimizer;
    PenaltyTwin penalty;
    double alpha, weight_decay, clip_norm;  // clip_norm < 0: none
    Hooks hooks;

    int64_t batch_size;
    const double* rates;

    // Arrays of the caller that the pass changes. Those after `average` exist where
    // a Python object needs them.
    void* w;
    StateArray state[max_state];
    int n_state;
    int64_t* t;
    int64_t* n_averaged;
    int64_t average_from;  // < 0: never
    double average_power;  // the n-th of the averaged weights counts like n^power
    void* average;
    void *g, *d, *scale;
    void *batch_y, *batch_z, *batch_r;
    double* batch_values;
};

// Columns of dense or CSR rows, as in Pass, and what is known of their values that are
// not zero: sums of weights, weighted means, weighted squares about the means.
struct ColumnMoments {
    Array X, indices, indptr, sample_weight;
    int64_t n_samples, n_features;
    double *weight, *mean, *m2;
};

}  // namespace skgd
