;;; Edits a project in Emacs with eglot: `emacs --batch --load emacs.el`.
;;
;; The script writes a JSON object with what the editor shows to the file in RESULT.
;;; -*- lexical-binding: t -*-
(require 'package)
(package-initialize)
(require 'eglot)
(require 'json)
(require 'flymake)

(define-derived-mode yaml-mode prog-mode "YAML")
(add-to-list 'auto-mode-alist '("\\.yaml\\'" . yaml-mode))
(setq eglot-server-programs `((yaml-mode . (,(getenv "STACKREF") "lsp")))
      eglot-sync-connect t
      eglot-send-changes-idle-time 0
      eglot-confirm-server-initiated-edits nil
      make-backup-files nil
      create-lockfiles nil
      auto-save-default nil)

(defvar result nil)

(defun wait-until (what condition)
  "Handle messages until CONDITION returns non-nil, and return that."
  (let ((deadline (+ (float-time) 60)) value)
    (while (not (setq value (funcall condition)))
      (when (> (float-time) deadline)
        (error "%s does not happen: %S %s" what (flymake-diagnostics) (buffer-string)))
      (accept-process-output nil 0.02))
    value))

(defun texts-of-diagnostics ()
  (mapcar (lambda (found)
            `((text . ,(flymake-diagnostic-text found))
              (source . ,(buffer-substring-no-properties (flymake-diagnostic-beg found) (flymake-diagnostic-end found)))))
          (flymake-diagnostics)))

(defun wait-for-diagnostics (count)
  (eglot--signal-textDocument/didChange)
  (wait-until (format "%d diagnostics" count)
              (lambda ()
                ;; In batch mode, there are no idle timers.
                (flymake-start)
                (= count (length (flymake-diagnostics)))))
  (texts-of-diagnostics))

(defun go-to (text)
  (goto-char (point-min))
  (search-forward text)
  (goto-char (match-beginning 0)))

(defun session ()
  (find-file "a.yaml")
  (apply #'eglot--connect (eglot--guess-contact))
  (wait-until "attaching" (lambda () (eglot-managed-p)))
  (push (cons 'diagnostics (wait-for-diagnostics 2)) result)

  ;; A completion is applied.
  (go-to "usrname")
  (delete-char (length "usrname"))
  (insert "us")
  (let* ((completion (eglot-completion-at-point))
         (beg (nth 0 completion))
         (table (nth 2 completion))
         (props (nthcdr 3 completion))
         (names (all-completions (buffer-substring-no-properties beg (point)) table (plist-get props :predicate)))
         (chosen (seq-find (lambda (name) (string-search "username" name)) names)))
    (push (cons 'menu (mapcar #'substring-no-properties names)) result)
    (delete-region beg (point))
    (insert chosen)
    (funcall (plist-get props :exit-function) chosen 'finished))
  (push (cons 'completed_line (string-trim (thing-at-point 'line t))) result)
  (wait-for-diagnostics 1)

  ;; A fix is applied.
  (go-to "db.usr")
  (let* ((actions (eglot-code-actions (point) nil "quickfix"))
         (fix (seq-find (lambda (action) (and (string-search "user" (plist-get action :title))
                                              (not (string-search "gnore" (plist-get action :title)))))
                        actions)))
    (push (cons 'action (plist-get fix :title)) result)
    (unless (plist-get fix :edit)
      (setq fix (jsonrpc-request (eglot-current-server) :codeAction/resolve fix)))
    (eglot--apply-workspace-edit (plist-get fix :edit)))
  (wait-for-diagnostics 0)

  ;; Hover, on a reference and on a key.
  (go-to "mlflow.password")
  (push (cons 'hover (format "%S" (jsonrpc-request (eglot-current-server) :textDocument/hover (eglot--TextDocumentPositionParams)))) result)
  (go-to "flavor")
  (push (cons 'hover_on_key (format "%S" (jsonrpc-request (eglot-current-server) :textDocument/hover (eglot--TextDocumentPositionParams)))) result)

  ;; A secret is renamed in all files. Eglot asks before it changes files without a buffer.
  (fset 'y-or-n-p (lambda (&rest _) t))
  (go-to "mlflow.password")
  (eglot-rename "tracking")
  (save-some-buffers t)
  (wait-for-diagnostics 0)
  (eglot-shutdown (eglot-current-server)))

(let ((failure nil))
  (condition-case signal
      (session)
    (error (setq failure (format "%S" signal))))
  (push (cons 'failure failure) result)
  (with-temp-file (getenv "RESULT")
    (insert (json-encode result))))
