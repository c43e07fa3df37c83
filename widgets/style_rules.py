"""The rules of the application's style sheet; `style.py` fills in the colours and lengths of a theme."""

from string import Template

SHEET = Template("""
QWidget { font-size: $ui_size; }
QWidget[mono="true"] { font-family: "$mono_family"; font-size: $mono_size; }
QLabel[muted="true"] { color: $muted; }
QLabel[small="true"] { font-size: $small_size; }
QLabel[tone="error"] { color: $error_text; }
QLabel[tone="warning"] { color: $warning_text; }
QLabel[tone="success"] { color: $success_text; }
QLabel[tone="info"] { color: $info_text; }
QMainWindow, QDialog { background: $window; }

QToolTip { background: $raised; color: $text; border: 1px solid $border; padding: $px4 $px6; }

QFrame[strip="true"] { background: $raised; border: none; border-bottom: 1px solid $border; }
QFrame[card="true"] { background: $raised; border: 1px solid $border; border-radius: 6px; }
QFrame[banner="error"] { background: $error_tint; border: none; border-left: 3px solid $error_text;
    border-bottom: 1px solid $border; }
QFrame[banner="warning"] { background: $warning_tint; border: none; border-left: 3px solid $warning_text;
    border-bottom: 1px solid $border; }
QFrame[banner="success"] { background: $success_tint; border: none; border-left: 3px solid $success_text;
    border-bottom: 1px solid $border; }
QFrame[banner="info"] { background: $info_tint; border: none; border-left: 3px solid $info_text;
    border-bottom: 1px solid $border; }

QMenuBar { background: $raised; border-bottom: 1px solid $border; padding: 1px; }
QMenuBar::item { padding: $px3 $px8; border-radius: 4px; background: transparent; }
QMenuBar::item:selected { background: $hover; }
QMenu { background: $raised; border: 1px solid $border; padding: 4px; }
QMenu::item { padding: $px4 $px20 $px4 $px12; border-radius: 4px; }
QMenu::item:selected { background: $selection; color: $text; }
QMenu::item:disabled { color: $faded; background: transparent; }
QMenu::separator { height: 1px; background: $border; margin: 4px 6px; }
QMenu::icon { padding-left: $px6; }

QToolBar { background: $raised; border: none; border-bottom: 1px solid $border; spacing: $px2; padding:
    $px3 $px6; }
QToolBar::separator { width: 1px; background: $border; margin: $px3 $px6; }
QToolButton { background: transparent; border: 1px solid transparent; border-radius: 4px; padding: $px3
    $px5; color: $text; }
QToolButton:hover { background: $hover; }
QToolButton:pressed { background: $pressed; }
QToolButton:checked { background: $selection; color: $text; }
QToolButton:focus { border-color: $accent; }
QToolButton:disabled { color: $faded; }
QToolButton[compact="true"] { padding: $px2; }
QToolButton[link="true"] { color: $accent; padding: $px2 $px4; }
QToolButton::menu-indicator { width: 0px; }

QPushButton { background: $raised; border: 1px solid $control_border; border-radius: 4px; padding: $px4
    $px12; min-height: 1.2em; }
QPushButton:hover { background: $hover; }
QPushButton:pressed { background: $pressed; }
QPushButton:focus { border-color: $accent; }
QPushButton:default, QPushButton[primary="true"] { background: $accent; border-color: $accent; color:
    $accent_text; }
QPushButton:default:hover, QPushButton[primary="true"]:hover { background: $accent_hover; border-color:
    $accent_hover; }
QPushButton[primary="true"]:focus { border: 2px solid $text; padding: $px3 $px10; }
QPushButton:disabled { color: $faded; background: $window; border-color: $border; }

QLineEdit, QAbstractSpinBox, QComboBox, QPlainTextEdit, QTextEdit {
    background: $base; color: $text; border: 1px solid $control_border; border-radius: 4px;
    selection-background-color: $accent; selection-color: $accent_text; }
QLineEdit, QComboBox { padding: $px3 $px6; min-height: 1.25em; }
QAbstractSpinBox { padding: $px2 $px4; min-height: 1.15em; }
QLineEdit:focus, QAbstractSpinBox:focus, QComboBox:focus, QPlainTextEdit:focus, QTextEdit:focus {
    border-color: $accent; }
QAbstractSpinBox QLineEdit, QAbstractSpinBox QLineEdit:focus {
    border: none; background: transparent; padding: 0; min-height: 0; }
QLineEdit:disabled, QAbstractSpinBox:disabled, QComboBox:disabled { color: $faded; background: $window;
    border-color: $border; }
QLineEdit:read-only { background: $window; }
QLineEdit[invalid="true"], QAbstractSpinBox[invalid="true"] { border-color: $error; background:
    $error_tint; }
QAbstractItemView QLineEdit, QAbstractItemView QComboBox { border: 1px solid $accent; border-radius: 0;
    padding: 0 $px3; min-height: 0; }
QPlainTextEdit[edge="none"], QTextEdit[edge="none"] { border: none; border-radius: 0; }

QAbstractSpinBox::up-button, QAbstractSpinBox::down-button { subcontrol-origin: border; width: $px16;
    border: none; background: transparent; }
QAbstractSpinBox::up-button { subcontrol-position: top right; }
QAbstractSpinBox::down-button { subcontrol-position: bottom right; }
QAbstractSpinBox::up-button:hover, QAbstractSpinBox::down-button:hover { background: $hover; }
QAbstractSpinBox::up-arrow { width: 0; height: 0; border-left: $px4 solid $base; border-right: $px4 solid
    $base; border-bottom: $px4 solid $muted; }
QAbstractSpinBox::down-arrow { width: 0; height: 0; border-left: $px4 solid $base; border-right: $px4
    solid $base; border-top: $px4 solid $muted; }
QAbstractSpinBox::up-arrow:hover { border-left-color: $hover; border-right-color: $hover;
    border-bottom-color: $text; }
QAbstractSpinBox::down-arrow:hover { border-left-color: $hover; border-right-color: $hover;
    border-top-color: $text; }
QAbstractSpinBox::up-arrow:disabled { border-left-color: $window; border-right-color: $window;
    border-bottom-color: $faded; }
QAbstractSpinBox::down-arrow:disabled { border-left-color: $window; border-right-color: $window;
    border-top-color: $faded; }

QComboBox::drop-down { subcontrol-origin: border; subcontrol-position: center right; width: $px20; border:
    none; }
QComboBox::down-arrow { width: 0; height: 0; border-left: $px4 solid $base; border-right: $px4 solid
    $base; border-top: $px5 solid $muted; }
QComboBox::down-arrow:disabled { border-left-color: $window; border-right-color: $window;
    border-top-color: $faded; }
QComboBox QAbstractItemView { background: $raised; border: 1px solid $border; padding: 2px; outline: 0; }

QCheckBox, QRadioButton { spacing: $px6; padding: $px2; border: 1px solid transparent; border-radius: 4px; }
QCheckBox:focus, QRadioButton:focus { border-color: $accent; }
QCheckBox:disabled, QRadioButton:disabled, QLabel:disabled { color: $faded; }
QCheckBox::indicator, QRadioButton::indicator, QGroupBox::indicator { width: $px12; height: $px12; }
QCheckBox::indicator:unchecked, QGroupBox::indicator:unchecked { background: $base; border: 1px solid
    $control_border; border-radius: 3px; }
QCheckBox::indicator:unchecked:disabled { background: $window; }
QRadioButton::indicator { border: 1px solid $control_border; border-radius: $px6; background: $base; }
QRadioButton::indicator:checked { border-color: $accent; background: qradialgradient(cx:0.5, cy:0.5,
    radius:0.5, fx:0.5, fy:0.5, stop:0 $accent, stop:0.5 $accent, stop:0.6 $base, stop:1 $base); }
QGroupBox { border: 1px solid $border; border-radius: 4px; margin-top: 0.7em; padding: $px10 $px8 $px8
    $px8; }
QGroupBox::title { subcontrol-origin: margin; left: $px8; padding: 0 $px4; color: $muted; }

QTabWidget::pane { border: none; border-top: 1px solid $border; }
QTabBar { background: $raised; qproperty-drawBase: 0; }
QTabBar::tab { background: transparent; color: $muted; border: none; border-bottom: 2px solid transparent;
    padding: $px5 $px12 $px4 $px12; }
QTabBar::tab:hover { color: $text; background: $hover; }
QTabBar::tab:selected { color: $text; border-bottom-color: $accent; }
QTabBar::tab:focus { background: $hover; }
QTabBar::tab:disabled { color: $faded; }
QTabBar::scroller { width: $px20; }
QTabBar QToolButton { padding: 0; background: $raised; border: none; border-radius: 0; }

QSplitter::handle:horizontal { width: 7px; background: qlineargradient(x1: 0, y1: 0, x2: 1, y2: 0,
    stop: 0 $window, stop: 0.42 $window, stop: 0.43 $border, stop: 0.57 $border, stop: 0.58 $window); }
QSplitter::handle:vertical { height: 7px; background: qlineargradient(x1: 0, y1: 0, x2: 0, y2: 1,
    stop: 0 $window, stop: 0.42 $window, stop: 0.43 $border, stop: 0.57 $border, stop: 0.58 $window); }
QSplitter::handle:horizontal:hover { background: qlineargradient(x1: 0, y1: 0, x2: 1, y2: 0,
    stop: 0 $window, stop: 0.28 $window, stop: 0.29 $accent, stop: 0.71 $accent, stop: 0.72 $window); }
QSplitter::handle:vertical:hover { background: qlineargradient(x1: 0, y1: 0, x2: 0, y2: 1,
    stop: 0 $window, stop: 0.28 $window, stop: 0.29 $accent, stop: 0.71 $accent, stop: 0.72 $window); }
QMainWindow::separator { background: $border; width: 3px; height: 3px; }
QMainWindow::separator:hover { background: $accent; }

QAbstractItemView { background: $base; color: $text; border: 1px solid $border; outline: 0;
    selection-background-color: $selection; selection-color: $text; alternate-background-color: $raised; }
QAbstractItemView[edge="none"] { border: 1px solid transparent; border-color: $base; }
QAbstractItemView[edge="none"]:focus { border-color: $accent; }
QTreeView::item, QListView::item { padding: $px3 $px4; border: none; }
QTableView::item { padding: 0 $px4; border: none; }
QTreeView::item:hover, QListView::item:hover { background: $hover_row; }
QTreeView::item:selected, QListView::item:selected, QTableView::item:selected { background: $selection;
    color: $text; }
QTableView { gridline-color: $border; }
QHeaderView { background: $raised; border: none; }
QHeaderView::section { background: $raised; color: $muted; border: none; border-right: 1px solid $border;
    border-bottom: 1px solid $border; padding: $px3 $px6; font-size: $small_size; }
QHeaderView::section:last { border-right: none; }
QTableCornerButton::section { background: $raised; border: none; border-bottom: 1px solid $border; }

QScrollArea { border: none; background: $window; }
QScrollArea > QWidget > QWidget[page="true"] { background: $window; }
QAbstractScrollArea::corner { background: $base; }
QScrollBar:vertical { background: transparent; width: 12px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 12px; margin: 0; }
QScrollBar::handle { background: $handle; border-radius: 4px; margin: 2px; }
QScrollBar::handle:vertical { min-height: $px28; }
QScrollBar::handle:horizontal { min-width: $px28; }
QScrollBar::handle:hover, QScrollBar::handle:pressed { background: $handle_hover; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; border: none; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }

QStatusBar { background: $raised; border-top: 1px solid $border; color: $muted; }
QStatusBar::item { border: none; }
QStatusBar QLabel { padding: 0 $px4; }
QProgressBar { background: $hover; border: none; border-radius: 2px; max-height: 4px; text-align: center; }
QProgressBar::chunk { background: $accent; border-radius: 2px; }
QDockWidget::title { background: $raised; border-bottom: 1px solid $border; padding: $px4 $px8; }
""")
