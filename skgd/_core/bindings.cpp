// The Python module skgd._core._ext: arrays and hooks of Python to those of a pass.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "engine.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

using Name = std::optional<std::string>;

const skgd::Engine& engine(const Name& name) {
    const skgd::Engine* e = skgd::engines();
    if (!name) return *e;
    for (; e->name; ++e)
        if (e->name == *name) return *e;
    throw nb::value_error("this processor has no such engine");
}

std::vector<std::string> engine_names() {
    std::vector<std::string> names;
    for (const skgd::Engine* e = skgd::engines(); e->name; ++e) names.push_back(e->name);
    return names;
}

template <class Index, class Fill>
nb::object new_order(int64_t n, const Fill& fill) {
    Index* rows = new Index[static_cast<size_t>(n)];
    nb::capsule owner(rows, [](void* p) noexcept { delete[] static_cast<Index*>(p); });
    {
        nb::gil_scoped_release release;
        fill(rows);
    }
    return nb::cast(nb::ndarray<nb::numpy, Index, nb::ndim<1>>(
        rows, {static_cast<size_t>(n)}, owner));
}

nb::object permutation(int64_t n, uint64_t seed, uint64_t epoch, const Name& name) {
    if (n < 0) throw nb::value_error("n must not be negative.");
    const skgd::Engine& e = engine(name);
    if (n <= std::numeric_limits<int32_t>::max())
        return new_order<int32_t>(
            n, [&](int32_t* rows) { e.permutation32(n, seed, epoch, rows); });
    return new_order<int64_t>(
        n, [&](int64_t* rows) { e.permutation64(n, seed, epoch, rows); });
}

skgd::Type type_of(const nb::dlpack::dtype& type) {
    if (type == nb::dtype<float>()) return skgd::Type::float32;
    if (type == nb::dtype<double>()) return skgd::Type::float64;
    if (type == nb::dtype<int32_t>()) return skgd::Type::int32;
    if (type == nb::dtype<int64_t>()) return skgd::Type::int64;
    throw nb::type_error("an array must be of float32, float64, int32 or int64");
}

// Keeps the arrays of a pass alive, and reads or writes their memory.
class Arrays {
public:
    skgd::Array read(nb::handle object) {
        if (object.is_none()) return {};
        const auto array = nb::cast<nb::ndarray<nb::ro, nb::device::cpu>>(object, false);
        kept_.push_back(nb::borrow(object));
        const int64_t stride = array.ndim() && array.shape(0) > 1 ? array.stride(0) : 1;
        return {array.data(), type_of(array.dtype()), stride};
    }

    template <class T>
    T* write(nb::handle object) {
        if (object.is_none()) return nullptr;
        const auto array = nb::cast<nb::ndarray<nb::device::cpu>>(object, false);
        kept_.push_back(nb::borrow(object));
        return static_cast<T*>(array.data());
    }

private:
    std::vector<nb::object> kept_;
};

struct PythonHooks {
    nb::object loss, direction, penalty_gradient, prox;
};

skgd::Hooks hooks_of(PythonHooks& hooks) {
    return {
        &hooks,
        [](void* p, int64_t n_rows) {
            nb::gil_scoped_acquire acquire;
            static_cast<PythonHooks*>(p)->loss(n_rows);
        },
        [](void* p, int64_t t, double rate) {
            nb::gil_scoped_acquire acquire;
            static_cast<PythonHooks*>(p)->direction(t, rate);
        },
        [](void* p) {
            nb::gil_scoped_acquire acquire;
            static_cast<PythonHooks*>(p)->penalty_gradient();
        },
        [](void* p, double rate) {
            nb::gil_scoped_acquire acquire;
            static_cast<PythonHooks*>(p)->prox(rate);
        },
        [](void*) {
            nb::gil_scoped_acquire acquire;
            if (PyErr_CheckSignals() != 0) throw nb::python_error();
        },
    };
}

// The name is kept alive by the caller's arguments.
skgd::Twin twin_of(nb::handle object) {
    skgd::Twin twin;
    if (object.is_none()) return twin;
    twin.name = nb::cast<const char*>(object[0]);
    int i = 0;
    for (nb::handle parameter : object[1]) twin.parameters[i++] = nb::cast<double>(parameter);
    return twin;
}

skgd::Units units_of(const nb::object& given, Arrays& arrays) {
    if (given.is_none()) return {};
    const auto part = [&](int i) { return arrays.read(given[i]).data; };
    return {part(0), part(1), part(2), part(3), part(4)};
}

// The data, the loss and the weights.
void read_objective(const nb::kwargs& given, Arrays& arrays, skgd::Pass& pass) {
    pass.X = arrays.read(given["X"]);
    pass.indices = arrays.read(given["indices"]);
    pass.indptr = arrays.read(given["indptr"]);
    pass.n_samples = nb::cast<int64_t>(given["n_samples"]);
    pass.n_features = nb::cast<int64_t>(given["n_features"]);
    pass.n_outputs = nb::cast<int64_t>(given["n_outputs"]);
    pass.fit_intercept = nb::cast<bool>(given["fit_intercept"]);
    pass.units = units_of(given["units"], arrays);
    pass.y = arrays.read(given["y"]);
    pass.sample_weight = arrays.read(given["sample_weight"]);
    pass.loss = twin_of(given["loss"]);
    pass.w = arrays.write<void>(given["w"]);
    pass.g = arrays.write<void>(given["g"]);
}

double call(double (*work)(const skgd::Pass&), const skgd::Pass& pass) {
    try {
        nb::gil_scoped_release release;
        return work(pass);
    } catch (const char* message) {
        throw nb::value_error(message);
    }
}

double run_pass(nb::kwargs given) {
    Arrays arrays;
    PythonHooks hooks{given["loss_hook"], given["direction_hook"],
                      given["penalty_gradient_hook"], given["prox_hook"]};
    skgd::Pass pass{};
    read_objective(given, arrays, pass);
    pass.first = nb::cast<int64_t>(given["first"]);
    pass.stop = nb::cast<int64_t>(given["stop"]);
    pass.shuffle = !given["shuffle"].is_none();
    if (pass.shuffle) {
        pass.seed = nb::cast<uint64_t>(given["shuffle"][0]);
        pass.epoch = nb::cast<uint64_t>(given["shuffle"][1]);
    }
    pass.optimizer = twin_of(given["optimizer"]);
    const nb::object penalty = given["penalty"];
    pass.penalty.python = penalty.is_none();
    if (!pass.penalty.python) {
        pass.penalty.l1 = nb::cast<double>(penalty[0]);
        pass.penalty.l2 = nb::cast<double>(penalty[1]);
        pass.penalty.lower = arrays.read(penalty[2]).data;
        pass.penalty.upper = arrays.read(penalty[3]).data;
        pass.penalty.in_prox = nb::cast<bool>(penalty[4]);
    }
    pass.alpha = nb::cast<double>(given["alpha"]);
    pass.weight_decay = nb::cast<double>(given["weight_decay"]);
    pass.clip_norm = nb::cast<double>(given["clip_norm"]);
    pass.hooks = hooks_of(hooks);
    pass.batch_size = nb::cast<int64_t>(given["batch_size"]);
    pass.rates = static_cast<const double*>(arrays.read(given["rates"]).data);
    const nb::dict state = given["state"];
    for (auto [name, array] : state) {
        if (pass.n_state == skgd::Pass::max_state)
            throw nb::value_error("state has more than 32 arrays");
        const auto view = nb::cast<nb::ndarray<nb::device::cpu>>(array, false);
        pass.state[pass.n_state++] = {nb::cast<const char*>(name),
                                      arrays.write<void>(array),
                                      static_cast<int64_t>(view.nbytes())};
    }
    int64_t* clock = arrays.write<int64_t>(given["clock"]);
    pass.t = clock;
    pass.n_averaged = clock + 1;
    pass.average_from = nb::cast<int64_t>(given["average_from"]);
    pass.average_power = nb::cast<double>(given["average_power"]);
    pass.average = arrays.write<void>(given["average"]);
    pass.d = arrays.write<void>(given["d"]);
    pass.scale = arrays.write<void>(given["scale"]);
    pass.batch_y = arrays.write<void>(given["batch_y"]);
    pass.batch_z = arrays.write<void>(given["batch_z"]);
    pass.batch_r = arrays.write<void>(given["batch_r"]);
    pass.batch_values = arrays.write<double>(given["batch_values"]);
    return call(engine(nb::cast<Name>(given["engine"])).run_pass, pass);
}

double evaluate(nb::kwargs given) {
    Arrays arrays;
    PythonHooks hooks;
    skgd::Pass pass{};
    read_objective(given, arrays, pass);
    pass.batch_size = pass.n_samples;
    pass.hooks = hooks_of(hooks);
    return call(engine(nb::cast<Name>(given["engine"])).evaluate, pass);
}

// Adds rows to `moments`, an array of shape (3, n_features).
void add_moments(nb::object X, nb::object indices, nb::object indptr,
                 nb::object sample_weight, int64_t n_samples, int64_t n_features,
                 nb::object moments, const Name& name) {
    Arrays arrays;
    double* table = arrays.write<double>(moments);
    const skgd::ColumnMoments columns{
        arrays.read(X), arrays.read(indices), arrays.read(indptr),
        arrays.read(sample_weight), n_samples, n_features,
        table, table + n_features, table + 2 * n_features};
    const skgd::Engine& e = engine(name);
    nb::gil_scoped_release release;
    e.add_moments(columns);
}

}  // namespace

NB_MODULE(_ext, m) {
    m.def("engines", &engine_names, "The engines of this processor, the fastest first.");
    m.def("permutation", &permutation, "n"_a, "seed"_a, "epoch"_a,
          "engine"_a = nb::none());
    m.def("run_pass", &run_pass);
    m.def("evaluate", &evaluate);
    m.def("add_moments", &add_moments, "X"_a.none(), "indices"_a.none(),
          "indptr"_a.none(), "sample_weight"_a.none(), "n_samples"_a, "n_features"_a,
          "moments"_a, "engine"_a = nb::none());
}
