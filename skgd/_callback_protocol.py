"""The part of ``sklearn.callback`` that skgd uses, for scikit-learn before 1.9.

The names, the arguments of the hooks and the order of the calls are those of
scikit-learn 1.9, so that the same callbacks work.
"""

import copy
import functools
import inspect


class CallbackContext:
    """A task that callbacks are told about: a fit, or an epoch of it.

    Attributes
    ----------
    task_name : str
    task_id : int
        Its number among the tasks of its parent.
    max_subtasks : int
        The most tasks that it can have.
    estimator_name : str
    parent : CallbackContext or None
    """

    def __init__(self, callbacks, estimator_name, task_name, max_subtasks):
        self._callbacks = callbacks
        self.estimator_name, self.task_name = estimator_name, task_name
        self.task_id, self.max_subtasks = 0, max_subtasks
        self.parent = None
        self._n_subtasks = 0

    def subcontext(self, task_name="", max_subtasks=0):
        """Return the context of the next task of this one."""
        child = CallbackContext(
            self._callbacks, self.estimator_name, task_name, max_subtasks
        )
        child.task_id, child.parent = self._n_subtasks, self
        self._n_subtasks += 1
        return child

    def call_on_fit_task_begin(self, **arguments):
        """Call the hook ``on_fit_task_begin`` of all callbacks."""
        self._call("on_fit_task_begin", **arguments)
        return self

    def call_on_fit_task_end(self, **arguments) -> bool:
        """Call the hook ``on_fit_task_end``; return whether one asks to stop."""
        return self._call("on_fit_task_end", **arguments)

    def _call(self, hook_name, *, estimator, reconstruction_attributes, **available):
        """Call a hook with those of the arguments that it names."""

        @functools.cache
        def fitted_estimator():
            fitted = copy.copy(estimator)
            vars(fitted).update(reconstruction_attributes())
            return fitted

        stop = False
        for callback in self._callbacks:
            hook = getattr(callback, hook_name)
            arguments = {
                parameter.name: fitted_estimator()
                if parameter.name == "fitted_estimator"
                else available[parameter.name]
                for parameter in inspect.signature(hook).parameters.values()
                if parameter.kind is parameter.KEYWORD_ONLY
            }
            stop |= bool(hook(estimator, self, **arguments))
        return stop


class CallbackSupportMixin:
    """Gives an estimator callbacks."""

    def set_callbacks(self, *callbacks):
        """Set the callbacks of the estimator; none removes them."""
        self._own_callbacks = list(callbacks)
        return self

    def _init_callback_context(self, max_subtasks):
        """Return the context of a fit that begins, after telling the callbacks."""
        context = CallbackContext(
            self._own_callbacks, type(self).__name__, "fit", max_subtasks
        )
        self._callback_fit_ctx, self._callbacks_to_teardown = context, []
        for callback in self._own_callbacks:
            self._callbacks_to_teardown.append(callback)
            callback.setup(estimator=self, context=context)
        return context


def with_callbacks(method):
    """Return a method that tells the callbacks when it has ended, in whatever way."""

    @functools.wraps(method)
    def managed(estimator, *args, **kwargs):
        try:
            return method(estimator, *args, **kwargs)
        finally:
            context = vars(estimator).pop("_callback_fit_ctx", None)
            for callback in vars(estimator).pop("_callbacks_to_teardown", []):
                callback.teardown(estimator=estimator, context=context)

    return managed
