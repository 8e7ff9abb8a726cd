import type { Dashboard } from "./panel.ts";

const all = 'type="all"';

export const drift: Dashboard = {
  uid: "starling-drift",
  title: "Starling: quality and drift",
  panels: [
    {
      title: "F1 from labels",
      about:
        "Exact spans, over all types, with its 95 % interval and the reference; nothing below 200 labelled entities.",
      unit: "percentunit",
      queries: [
        [`ner_eval_f1{source="labelled",${all}}`, "{{model_version}} {{window}}"],
        [`ner_eval_f1_lower{source="labelled",${all}}`, "{{window}} lower"],
        [`ner_eval_f1_upper{source="labelled",${all}}`, "{{window}} upper"],
        [`ner_eval_reference_f1{${all}}`, "reference of {{model_version}}"],
      ],
    },
    {
      title: "F1 without labels",
      about:
        "What the model expects of itself: by starling drift, calibrated, and from the sums of the workers over six hours, uncalibrated.",
      unit: "percentunit",
      queries: [
        [`ner_eval_f1{source="estimated",${all}}`, "{{model_version}} {{window}}"],
        ["ner:estimated_f1:6h", "{{model_version}} workers, uncalibrated"],
      ],
    },
    {
      title: "F1 by type",
      about: "From labels.",
      unit: "percentunit",
      queries: [['ner_eval_f1{source="labelled",type!="all"}', "{{type}} {{window}}"]],
    },
    {
      title: "Precision and recall",
      about: "From labels, over all types.",
      unit: "percentunit",
      queries: [
        [`ner_eval_precision{source="labelled",${all}}`, "precision {{window}}"],
        [`ner_eval_recall{source="labelled",${all}}`, "recall {{window}}"],
      ],
    },
    {
      title: "Distance from the reference",
      about: "Of the newest posts; above its threshold a feature drifts.",
      unit: "short",
      queries: [
        ["ner_drift_score", "{{feature}}"],
        ["ner_drift_threshold", "{{feature}} threshold"],
      ],
    },
    {
      title: "Error of confidences",
      about: "Mean distance of confidence and share of right entities.",
      unit: "percentunit",
      queries: [["ner_calibration_error", "{{model_version}} {{window}}"]],
    },
    {
      title: "Labelled entities",
      about: "Behind each F1.",
      unit: "short",
      queries: [[`ner_eval_support{source="labelled",${all}}`, "{{model_version}} {{window}}"]],
    },
    {
      title: "Labels",
      about: "By what became of them, per hour.",
      unit: "short",
      queries: [["3600 * sum by (result) (rate(ner_drift_feedback_total[$__rate_interval]))", "{{result}}"]],
    },
    {
      title: "From event to label",
      about: "Median.",
      unit: "s",
      queries: [["ner_eval_label_delay_seconds", "{{model_version}} {{window}}"]],
    },
    {
      title: "Store",
      about: "Events that are kept for labels to come, labelled ones too, and labels that wait for their event now.",
      unit: "short",
      queries: [
        ["ner_drift_stored_events", "events kept"],
        ["ner_drift_waiting_labels", "labels that wait"],
      ],
    },
  ],
};
